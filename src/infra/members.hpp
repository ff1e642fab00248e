// The exit table's writer: which processes are registered, and what became of them. Part of the
// freestanding binary; infra/table.hpp is the reader.
#pragma once

#include "infra/bare.hpp"
#include "infra/protocol.hpp"

#include <linux/fcntl.h>
#include <linux/memfd.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

namespace pausa::infra {

inline int64_t clock_ns(int clock) noexcept {
  timespec now{};
  (void)bare::call(SYS_clock_gettime, clock, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

class Members {
 public:
  // 0 or -errno. Maps the memfd, and seals it: ours is the last writable mapping, whoever gets the
  // memfd from now on can only read it.
  long open(int memfd) noexcept {
    const long address =
        bare::call(SYS_mmap, nullptr, sizeof(Table), PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
    if (address < 0) return address;
    constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;
    if (const long rc = bare::call(SYS_fcntl, memfd, F_ADD_SEALS, seals); rc < 0) return rc;
    memcpy(&table_, &address, sizeof table_);
    TableHeader& header = table_->header;
    header.version = protocol_version;
    header.capacity = max_members;
    header.infra_pid = static_cast<int32_t>(bare::call(SYS_getpid));
    header.start_boottime_ns = host_boottime_ns();
    header.start_realtime_ns = clock_ns(CLOCK_REALTIME);
    __atomic_store_n(&header.magic, table_magic, __ATOMIC_RELEASE);
    return 0;
  }

  // PID 1 of the pod: every orphan in it becomes our child.
  bool is_init() const noexcept { return table_->header.infra_pid == 1; }
  uint64_t exits() const noexcept { return table_->header.exits; }
  uint32_t index_of(const Slot& slot) const noexcept {
    return static_cast<uint32_t>(&slot - table_->slots);
  }

  // connection: the one that a transient registration lives for. Fills the reply's slot and
  // generation.
  Status add(const Request& request, uint32_t connection, Reply& reply) noexcept {
    if (request.pid <= 1) return Status::gone;
    if (const Slot* known = find_registered(request.pid)) {
      if (known->key != request.key) return Status::exists;
      reply.slot = index_of(*known);
      reply.generation = known->generation;
      return Status::ok;
    }
    // A zombie still answers: its exit is then recorded by the next round of reaping. EPERM
    // (another user's process, we hold no CAP_KILL) means that it exists.
    if (bare::call(SYS_kill, request.pid, 0) == -ESRCH) return Status::gone;
    if (!is_init() && !is_child(request.pid)) return Status::not_child;
    uint32_t index = 0;
    while (index < table_->header.used && !is(table_->slots[index], SlotState::free)) ++index;
    if (index == max_members) return Status::full;
    Slot& slot = table_->slots[index];
    // A reader that is copying the slot's former life sees the generation change.
    __atomic_store_n(&slot.generation, ++last_generation_, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    slot.pid = request.pid;
    slot.code = slot.status = 0;
    slot.flags = request.flags;
    slot.key = request.key;
    slot.boottime_ns = slot.realtime_ns = 0;
    set(slot, SlotState::registered);
    if (index == table_->header.used)
      __atomic_store_n(&table_->header.used, index + 1, __ATOMIC_RELEASE);
    owner_[index] = (request.flags & flag_transient) != 0 ? connection : 0;
    reply.slot = index;
    reply.generation = slot.generation;
    return Status::ok;
  }

  Status forget(uint32_t index, uint32_t generation) noexcept {
    if (index >= table_->header.used) return Status::absent;
    const Slot& slot = table_->slots[index];
    if (is(slot, SlotState::free) || slot.generation != generation) return Status::absent;
    free(index);
    return Status::ok;
  }

  // A process was reaped. Its slot, when it was registered; finish() it after telling others.
  const Slot* record(const siginfo_t& info) noexcept {
    __atomic_store_n(&table_->header.reaped, table_->header.reaped + 1, __ATOMIC_RELAXED);
    Slot* slot = find_registered(info.si_pid);
    if (slot == nullptr) return nullptr;
    slot->code = info.si_code;
    slot->status = info.si_status;
    slot->boottime_ns = host_boottime_ns();
    slot->realtime_ns = clock_ns(CLOCK_REALTIME);
    set(*slot, SlotState::exited);
    __atomic_store_n(&table_->header.exits, table_->header.exits + 1, __ATOMIC_RELEASE);
    return slot;
  }

  // Whether its exit is news to this connection: that of a lasting member to all, that of a
  // transient one (an exec, say) only to whoever registered it, so that nobody else wakes up.
  bool concerns(const Slot& slot, uint32_t connection) const noexcept {
    return (slot.flags & flag_transient) == 0 || owner_[index_of(slot)] == connection;
  }

  // A transient slot that nobody waits for any more has served.
  void finish(const Slot& slot) noexcept {
    const uint32_t index = index_of(slot);
    if ((slot.flags & flag_transient) != 0 && owner_[index] == 0) free(index);
  }

  void connection_closed(uint32_t connection) noexcept {
    for (uint32_t i = 0; i < table_->header.used; ++i) {
      if (owner_[i] != connection) continue;
      owner_[i] = 0;
      if (is(table_->slots[i], SlotState::exited)) free(i);
    }
  }

 private:
  static bool is(const Slot& slot, SlotState state) noexcept {
    return slot.state == static_cast<uint32_t>(state);
  }
  static void set(Slot& slot, SlotState state) noexcept {
    __atomic_store_n(&slot.state, static_cast<uint32_t>(state), __ATOMIC_RELEASE);
  }
  static bool is_child(int32_t pid) noexcept {
    siginfo_t info{};
    constexpr int ask_only = WEXITED | WNOHANG | WNOWAIT | __WALL;
    return bare::call(SYS_waitid, P_PID, pid, &info, ask_only, nullptr) == 0;
  }

  int64_t host_boottime_ns() const noexcept {
    return clock_ns(CLOCK_BOOTTIME) - table_->header.boottime_offset_ns;
  }
  void free(uint32_t index) noexcept {
    owner_[index] = 0;
    set(table_->slots[index], SlotState::free);
  }
  Slot* find_registered(int32_t pid) noexcept {
    for (uint32_t i = 0; i < table_->header.used; ++i)
      if (table_->slots[i].pid == pid && is(table_->slots[i], SlotState::registered))
        return &table_->slots[i];
    return nullptr;
  }

  Table* table_;
  uint32_t last_generation_;
  uint32_t owner_[max_members];  // by slot; 0: nobody
};

}  // namespace pausa::infra
