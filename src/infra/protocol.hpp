// What the pod's PID 1 (pausa-infra) and its manager say to each other: the packets on infra's
// AF_UNIX SOCK_SEQPACKET socket, the exit table in a shared memfd, and the report of a sandbox that
// is being built. Plain structs of fixed size in the host's byte order (both ends run on one
// machine); included by the freestanding binary, so nothing here needs a library.
//
// One request a packet, one reply a packet, at most one descriptor with either (SCM_RIGHTS).
// Replies carry the serial of their request. Exits are pushed between them, told apart by `op`. A
// request that is not exactly one of these closes the connection it came on, and only that one.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace pausa::infra {

constexpr uint32_t protocol_version = 1;

constexpr uint32_t max_members = 1024;     // slots of the exit table
constexpr uint32_t max_stored_fds = 1536;  // the fd store: two lives of each of many members
constexpr uint32_t max_connections = 64;   // further clients are closed at once
constexpr int listen_fd_number = 3;        // the descriptors that infra is started with
constexpr int table_fd_number = 4;
constexpr int report_fd_number = 5;

enum class Op : uint16_t {
  hello = 1,       // → version, count = slots; the reply brings the table's memfd
  register_pid,    // pid, key, flags → ok with slot and generation, gone, full, not_child, exists
  forget,          // slot, generation → ok or absent
  put,             // key, one descriptor → ok or full; replaces what the key named
  get,             // key → ok with the descriptor, or absent
  drop,            // key → ok or absent
  list,            // → ok with count; the keys (uint64_t each) follow the reply
  exit = 0x40,     // pushed: an ExitPush
  reply = 0x8000,  // set in the op of every reply
};

enum class Status : uint16_t {
  ok = 0,
  gone,       // no process has this pid any more: its status is lost
  full,       // no slot, or no room in the fd store
  absent,     // no such key, slot or generation
  not_child,  // infra is not the pod's PID 1 and will not reap this process (hostPID)
  exists,     // the pid is registered under another key
};

// Freed when the process has exited and the connection that registered it is closed; its exit is
// pushed to that connection alone.
constexpr uint16_t flag_transient = 1;

struct Request {
  uint16_t op;
  uint16_t flags;
  uint32_t serial;
  uint64_t key;
  int32_t pid;  // in the pod's PID namespace
  uint32_t slot;
  uint32_t generation;
  uint32_t version;
};
static_assert(sizeof(Request) == 32);

struct Reply {
  uint16_t op;
  uint16_t status;
  uint32_t serial;
  uint64_t key;
  uint32_t slot;
  uint32_t generation;
  uint32_t count;
  uint32_t version;
};
static_assert(sizeof(Reply) == 32);

struct ExitPush {
  uint16_t op;
  uint16_t zero;
  uint32_t slot;
  uint64_t key;
  int32_t pid;
  uint32_t generation;
  int32_t code;  // as waitid(2) tells it: CLD_EXITED, CLD_KILLED or CLD_DUMPED
  int32_t status;
  int64_t boottime_ns;
  int64_t realtime_ns;
  uint64_t sequence;  // TableHeader::exits after this exit; a gap: look into the table
};
static_assert(sizeof(ExitPush) == 56);

// ---- the exit table. Infra alone writes. A slot's fields are written first and its state last,
// with release; `generation` differs for each registration, so that a reader who finds the same
// state and generation before and after copying has a consistent copy.
enum class SlotState : uint32_t { free = 0, registered = 1, exited = 2 };

struct Slot {
  uint32_t state;
  uint32_t generation;
  int32_t pid;
  int32_t code;
  int32_t status;
  uint32_t flags;
  uint64_t key;
  int64_t boottime_ns;  // the host's CLOCK_BOOTTIME, also in a pod with a shifted clock
  int64_t realtime_ns;
};
static_assert(sizeof(Slot) == 48);

constexpr uint64_t table_magic = 0x7061757361657874;  // "pausaext"

struct TableHeader {
  uint64_t magic;
  uint32_t version;
  uint32_t capacity;
  uint32_t used;  // slots at and after this index have never been used
  int32_t infra_pid;
  int64_t start_boottime_ns;
  int64_t start_realtime_ns;
  uint64_t exits;              // of registered processes, ever
  int64_t boottime_offset_ns;  // of the pod's time namespace, written by the manager before exec
  uint64_t reaped;             // processes of any kind, ever
};
static_assert(sizeof(TableHeader) == 64);

struct Table {
  TableHeader header;
  Slot slots[max_members];
};
constexpr size_t table_bytes = (sizeof(Table) + 4095) & ~size_t{4095};

// ---- the report of a sandbox being built: from its child zone, then from infra itself. The one
// with Stage::ready is success; the end of the stream without it is failure.
enum class Stage : uint32_t {
  maps = 1,
  cgroup,  // detail: index of the tasks file
  ids,
  hostname,
  loopback,
  propagation,
  root_mount,
  proc_mount,
  shared_mount,  // detail: index of the tmpfs
  shared_file,   // detail: index of the file
  sysctl,        // detail: index of the sysctl
  pivot,
  root_seal,
  session,
  descriptors,
  exec,
  infra_table,
  infra_events,
  infra_privileges,
  infra_seccomp,
  ready,
};

struct Report {
  uint32_t stage;
  int32_t err;
  uint32_t detail;
  uint32_t zero;
};
static_assert(sizeof(Report) == 16);

}  // namespace pausa::infra
