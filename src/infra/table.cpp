#include "infra/table.hpp"

#include "sys/error.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <utility>

namespace pausa::infra {
namespace {

template <typename T>
T load(const T& field, int order) noexcept {
  return order == __ATOMIC_ACQUIRE ? __atomic_load_n(&field, __ATOMIC_ACQUIRE)
                                   : __atomic_load_n(&field, __ATOMIC_RELAXED);
}

}  // namespace

ExitTable::ExitTable(int memfd) {
  struct ::stat info {};
  sys::check(::fstat(memfd, &info), "look at the exit table");
  // A mapping past the end of a shorter file would be answered with SIGBUS.
  if (info.st_size < static_cast<off_t>(sizeof(Table)))
    throw sys::Error(EPROTO, "exit table of infra");
  void* address = ::mmap(nullptr, sizeof(Table), PROT_READ, MAP_SHARED, memfd, 0);
  sys::check(address == MAP_FAILED ? -1 : 0, "map the exit table");
  table_ = static_cast<const Table*>(address);
  if (load(table_->header.magic, __ATOMIC_ACQUIRE) != table_magic ||
      table_->header.capacity != max_members) {
    (void)::munmap(address, sizeof(Table));
    throw sys::Error(EPROTO, "exit table of infra");
  }
}

ExitTable::ExitTable(ExitTable&& other) noexcept : table_(std::exchange(other.table_, nullptr)) {}

ExitTable& ExitTable::operator=(ExitTable&& other) noexcept {
  std::swap(table_, other.table_);
  return *this;
}

ExitTable::~ExitTable() {
  if (table_ != nullptr) (void)::munmap(const_cast<Table*>(table_), sizeof(Table));
}

// A copy is consistent when the slot had the same state and generation before and after it
// (protocol.hpp); else infra was just writing, and we look again.
std::optional<TableEntry> ExitTable::read(std::uint32_t index) const noexcept {
  const Slot& slot = table_->slots[index];
  for (;;) {
    const std::uint32_t state = load(slot.state, __ATOMIC_ACQUIRE);
    if (state == static_cast<std::uint32_t>(SlotState::free)) return std::nullopt;
    const std::uint32_t generation = load(slot.generation, __ATOMIC_RELAXED);
    TableEntry entry;
    entry.exited = state == static_cast<std::uint32_t>(SlotState::exited);
    entry.member.key = load(slot.key, __ATOMIC_RELAXED);
    entry.member.pid = load(slot.pid, __ATOMIC_RELAXED);
    entry.member.registration = {index, generation};
    if (entry.exited) {
      entry.member.status = {load(slot.code, __ATOMIC_RELAXED),
                             load(slot.status, __ATOMIC_RELAXED)};
      entry.member.boottime = std::chrono::nanoseconds(load(slot.boottime_ns, __ATOMIC_RELAXED));
      entry.member.realtime = std::chrono::nanoseconds(load(slot.realtime_ns, __ATOMIC_RELAXED));
    }
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (load(slot.state, __ATOMIC_RELAXED) == state &&
        load(slot.generation, __ATOMIC_RELAXED) == generation)
      return entry;
  }
}

std::vector<TableEntry> ExitTable::entries() const {
  std::vector<TableEntry> entries;
  const std::uint32_t used = load(table_->header.used, __ATOMIC_ACQUIRE);
  for (std::uint32_t i = 0; i < used && i < max_members; ++i)
    if (auto entry = read(i)) entries.push_back(*entry);
  return entries;
}

std::optional<TableEntry> ExitTable::find(Registration registration) const noexcept {
  if (registration.slot >= max_members) return std::nullopt;
  auto entry = read(registration.slot);
  if (entry && entry->member.registration != registration) return std::nullopt;
  return entry;
}

std::uint64_t ExitTable::exits() const noexcept {
  return load(table_->header.exits, __ATOMIC_ACQUIRE);
}

std::uint64_t ExitTable::reaped() const noexcept {
  return load(table_->header.reaped, __ATOMIC_RELAXED);
}

std::chrono::nanoseconds ExitTable::started() const noexcept {
  return std::chrono::nanoseconds(table_->header.start_boottime_ns);
}

sys::UniqueFd create_table() {
  sys::UniqueFd fd(sys::check(::memfd_create("pausa-exits", MFD_CLOEXEC | MFD_ALLOW_SEALING),
                              "make the exit table"));
  sys::check(::ftruncate(fd.get(), static_cast<off_t>(table_bytes)), "size the exit table");
  return fd;
}

}  // namespace pausa::infra
