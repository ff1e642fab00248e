// pausa-infra: PID 1 of a pod. It holds the namespaces, inherits and reaps the members, writes down
// how the registered ones ended (exit table), and keeps descriptors for whoever supervises the pod
// (fd store). It opens no path and has no policy; infra/protocol.hpp is what it understands.
//
// Everything it needs is inherited: the descriptors 3, 4 and 5 of protocol.hpp. It runs on a few
// pages, allocates nothing, and blocks nowhere but in epoll.
#include "infra/bare.hpp"
#include "infra/fd_store.hpp"
#include "infra/lockdown.hpp"
#include "infra/members.hpp"
#include "infra/protocol.hpp"

#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/sock_diag.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

namespace pausa::infra {
namespace {

using bare::call;

constexpr int stop_reaping_after = 4096;  // a zombie storm must not starve the connections
constexpr uint64_t child_event = 0;
constexpr uint64_t listen_event = 1;
constexpr uint64_t leash_event = 2;
constexpr uint64_t first_connection_event = 3;

struct Connection {
  int fd;       // 0: free
  uint32_t id;  // never used twice
};

// All of it starts as zeros, so that the pages come into being only when they are used.
Members members;
FdStore store;
Connection connections[max_connections];
uint32_t last_connection_id;
int epoll;
int child_signals;
bool accept_paused;
struct {
  Reply reply;
  uint64_t keys[max_stored_fds];
} outgoing;

void watch(int fd, uint64_t event) noexcept {
  epoll_event interest{EPOLLIN, event};
  (void)call(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, fd, &interest);
}

// ---- exits

// A pod whose supervisor does not read must not take the room that its replies need: pushes fill
// half of a connection's buffer at most (SO_MEMINFO, Linux 4.12), and the table has every exit.
bool has_room_for_push(int fd) noexcept {
  uint32_t memory[SK_MEMINFO_VARS] = {};
  uint32_t size = sizeof memory;
  if (call(SYS_getsockopt, fd, SOL_SOCKET, SO_MEMINFO, memory, &size) < 0) return false;
  return memory[SK_MEMINFO_WMEM_ALLOC] < memory[SK_MEMINFO_SNDBUF] / 2;
}

void push_exit(const Slot& slot) noexcept {
  ExitPush push{};
  push.op = static_cast<uint16_t>(Op::exit);
  push.slot = members.index_of(slot);
  push.key = slot.key;
  push.pid = slot.pid;
  push.generation = slot.generation;
  push.code = slot.code;
  push.status = slot.status;
  push.boottime_ns = slot.boottime_ns;
  push.realtime_ns = slot.realtime_ns;
  push.sequence = members.exits();
  iovec part{&push, sizeof push};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  for (const Connection& connection : connections)
    if (connection.fd != 0 && members.concerns(slot, connection.id) &&
        has_room_for_push(connection.fd))
      (void)call(SYS_sendmsg, connection.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

// True when there may be more.
bool reap_children() noexcept {
  for (int count = 0; count < stop_reaping_after; ++count) {
    siginfo_t info{};
    const long rc = call(SYS_waitid, P_ALL, 0, &info, WEXITED | WNOHANG | __WALL, nullptr);
    if (rc < 0 || info.si_pid == 0) return false;
    if (const Slot* slot = members.record(info)) {
      push_exit(*slot);
      members.finish(*slot);
    }
  }
  return true;
}

// ---- requests

// Accepting stops while no descriptor is to be had, and starts again when one becomes free.
void descriptor_freed() noexcept {
  if (!accept_paused) return;
  accept_paused = false;
  watch(listen_fd_number, listen_event);
}

void close_connection(Connection& connection) noexcept {
  bare::close_fd(connection.fd);
  connection.fd = 0;
  members.connection_closed(connection.id);
  descriptor_freed();
}

bool send_reply(const Connection& to, const void* data, size_t size, int passenger) noexcept {
  iovec part{const_cast<void*>(data), size};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (passenger > 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &passenger, sizeof passenger);
  }
  return call(SYS_sendmsg, to.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

// False: not a request of ours, or the answer cannot be delivered. Takes `passenger` over (0:
// none).
bool serve(const Request& request, int passenger, const Connection& from) noexcept {
  const Op op{request.op};
  if ((op == Op::put) != (passenger != 0)) {
    if (passenger != 0) bare::close_fd(passenger);
    return false;
  }
  Reply& reply = outgoing.reply;
  reply = {};
  size_t size = sizeof reply;
  Status status = Status::ok;
  int attached = 0;
  switch (op) {
    case Op::hello:
      attached = table_fd_number;
      reply.count = max_members;
      break;
    case Op::register_pid:
      status = members.add(request, from.id, reply);
      break;
    case Op::forget:
      status = members.forget(request.slot, request.generation);
      break;
    case Op::put:
      status = store.put(request.key, passenger);
      if (status != Status::ok) bare::close_fd(passenger);
      break;
    case Op::get:
      attached = store.get(request.key);
      if (attached == 0) status = Status::absent;
      break;
    case Op::drop:
      if (!store.drop(request.key)) status = Status::absent;
      descriptor_freed();
      break;
    case Op::list:
      reply.count = store.list(outgoing.keys);
      size += reply.count * sizeof(uint64_t);
      break;
    default:
      return false;
  }
  reply.op = static_cast<uint16_t>(request.op | static_cast<uint16_t>(Op::reply));
  reply.status = static_cast<uint16_t>(status);
  reply.serial = request.serial;
  reply.key = request.key;
  reply.version = protocol_version;
  return send_reply(from, &outgoing, size, attached);
}

// False: close the connection.
bool receive(const Connection& from) noexcept {
  Request request{};
  constexpr size_t most_passengers = 4;  // more arrive as MSG_CTRUNC
  alignas(cmsghdr) char control[CMSG_SPACE(most_passengers * sizeof(int))] = {};
  iovec part{&request, sizeof request};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const long size = call(SYS_recvmsg, from.fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (size == -EAGAIN || size == -EINTR) return true;
  if (size <= 0) return false;
  int passenger = 0;
  bool well_formed = size == sizeof request && (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = 0;
      memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      if (i == 0 && count == 1 && well_formed) {
        passenger = fd;
      } else {
        bare::close_fd(fd);
        well_formed = false;
      }
    }
  }
  return well_formed && serve(request, passenger, from);
}

// Only from outside the pod: a peer in our PID namespace has a number there, one outside has 0.
bool is_manager(int fd) noexcept {
  if (!members.is_init()) return true;
  ucred peer{};
  uint32_t size = sizeof peer;
  return call(SYS_getsockopt, fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid == 0;
}

void accept_connections() noexcept {
  for (;;) {
    const long fd =
        call(SYS_accept4, listen_fd_number, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd == -EMFILE || fd == -ENFILE) {
      (void)call(SYS_epoll_ctl, epoll, EPOLL_CTL_DEL, listen_fd_number, nullptr);
      accept_paused = true;
      return;
    }
    if (fd == -ECONNABORTED) continue;
    if (fd < 0) return;
    uint32_t index = 0;
    while (index < max_connections && connections[index].fd != 0) ++index;
    if (index == max_connections || !is_manager(static_cast<int>(fd))) {
      bare::close_fd(static_cast<int>(fd));
      continue;
    }
    connections[index] = {static_cast<int>(fd), ++last_connection_id};
    watch(static_cast<int>(fd), first_connection_event + index);
  }
}

// ---- start

void report(Stage stage, long rc) noexcept {
  const Report text{static_cast<uint32_t>(stage), rc < 0 ? static_cast<int32_t>(-rc) : 0, 0, 0};
  iovec part{const_cast<Report*>(&text), sizeof text};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  (void)call(SYS_sendmsg, report_fd_number, &message, MSG_NOSIGNAL);
}

void require(long rc, Stage stage) noexcept {
  if (rc >= 0) return;
  report(stage, rc);
  bare::exit_program(1);
}

// Nothing of the manager's comes along but 3, 4 and 5. What 0 to 2 then refer to is of no use to
// anybody: infra neither reads nor prints, but no later descriptor may be 0, which marks "none".
void settle_descriptors() noexcept {
  (void)call(SYS_close_range, 0, listen_fd_number - 1, 0);
  (void)call(SYS_close_range, report_fd_number + 1, ~0U, 0);
  const uint64_t child = uint64_t{1} << (SIGCHLD - 1);
  epoll = static_cast<int>(call(SYS_epoll_create1, EPOLL_CLOEXEC));  // becomes 0
  require(epoll, Stage::infra_events);
  child_signals =
      static_cast<int>(call(SYS_signalfd4, -1, &child, sizeof child, SOCK_NONBLOCK | SOCK_CLOEXEC));
  require(child_signals, Stage::infra_events);
  const long flags = call(SYS_fcntl, listen_fd_number, F_GETFL);
  require(call(SYS_fcntl, listen_fd_number, F_SETFL, flags | O_NONBLOCK), Stage::infra_events);
  watch(child_signals, child_event);
  watch(listen_fd_number, listen_event);
  watch(report_fd_number, leash_event);
}

// Until infra stands in the pod's record it ends with who made it, since nobody else would find it.
// A byte says that it does; the end of the stream, that its maker has died first.
void hear_maker() noexcept {
  char word = 0;
  if (call(SYS_read, report_fd_number, &word, sizeof word) != sizeof word) bare::exit_program(1);
  bare::close_fd(report_fd_number);
}

void start() noexcept {
  bare::block_all_signals();
  bare::take_child_signals();
  (void)call(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
  (void)call(SYS_prctl, PR_SET_NAME, "pausa-infra", 0, 0, 0);
  require(members.open(table_fd_number), Stage::infra_table);
  settle_descriptors();
  require(drop_privileges(), Stage::infra_privileges);
  require(confine_calls(), Stage::infra_seccomp);
  report(Stage::ready, 0);
}

void drain_child_signals() noexcept {
  char records[4 * 128];  // struct signalfd_siginfo is 128 bytes; SIGCHLD is queued once
  while (call(SYS_read, child_signals, records, sizeof records) > 0) {}
}

[[noreturn]] void serve_forever() noexcept {
  // Children may have died before SIGCHLD was ours to see.
  bool more_children = reap_children();
  for (;;) {
    epoll_event events[16];
    const long count = call(SYS_epoll_pwait, epoll, events, 16, more_children ? 0 : -1, nullptr, 8);
    for (long i = 0; i < count; ++i) {
      const uint64_t event = events[i].data;
      if (event == child_event) {
        drain_child_signals();  // first: a child that dies during the reaping signals again
        more_children = true;
      } else if (event == listen_event) {
        accept_connections();
      } else if (event == leash_event) {
        hear_maker();
      } else {
        Connection& connection = connections[event - first_connection_event];
        if (connection.fd != 0 && !receive(connection)) close_connection(connection);
      }
    }
    if (more_children) more_children = reap_children();
  }
}

}  // namespace
}  // namespace pausa::infra

extern "C" [[noreturn]] void bare_main(const long*) noexcept {
  pausa::infra::start();
  pausa::infra::serve_forever();
}
