#include "infra/client.hpp"

#include "sys/error.hpp"
#include "sys/socket.hpp"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace pausa::infra {
namespace {

using Clock = std::chrono::steady_clock;

// False at the deadline.
bool wait_for(int fd, short events, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd waiting{fd, events, 0};
    const int ready = ::poll(&waiting, 1, left < 0 ? 0 : static_cast<int>(left));
    if (ready > 0) return true;
    if (ready == 0) return false;
    if (errno != EINTR) sys::check(-1, "wait for infra");
  }
}

sys::Error refusal(Status status, const std::string& doing) {
  switch (status) {
    case Status::full:
      return sys::Error(ENOSPC, doing);
    case Status::exists:
      return sys::Error(EEXIST, doing);
    case Status::not_child:
      return sys::Error(ECHILD, doing);
    default:
      return sys::Error(EPROTO, doing);
  }
}

}  // namespace

sys::UniqueFd listen_for_infra(int dirfd, const std::string& name) {
  return sys::listen_at(dirfd, name, SOCK_SEQPACKET | SOCK_NONBLOCK);
}

std::optional<Client> Client::connect(int dirfd, const std::string& name,
                                      std::chrono::milliseconds deadline) {
  sys::UniqueFd socket = sys::connect_at(dirfd, name, SOCK_SEQPACKET | SOCK_NONBLOCK);
  if (!socket) return std::nullopt;
  return Client(std::move(socket), deadline);
}

std::optional<Client> Client::connect(const std::string& path, std::chrono::milliseconds deadline) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const sys::UniqueFd dir(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!dir && errno == ENOENT) return std::nullopt;
  sys::check(dir.get(), "open ", folder);
  return connect(dir.get(), slash == std::string::npos ? path : path.substr(slash + 1), deadline);
}

Client::Client(sys::UniqueFd socket, std::chrono::milliseconds deadline)
    : socket_(std::move(socket)), deadline_(deadline) {
  Request request{};
  request.version = protocol_version;
  const Answer answer = ask(Op::hello, request, "greet infra");
  if (!answer.passenger) throw sys::Error(EPROTO, "greet infra");
  table_.emplace(answer.passenger.get());
  last_sequence_ = table_->exits();
}

std::optional<Registration> Client::register_member(pid_t pid, std::uint64_t key, bool transient) {
  Request request{};
  request.pid = pid;
  request.key = key;
  request.flags = transient ? flag_transient : 0;
  const Answer answer = ask(Op::register_pid, request, "register a member with infra");
  if (answer.status == Status::gone) return std::nullopt;
  if (answer.status != Status::ok) throw refusal(answer.status, "register a member with infra");
  return answer.registration;
}

bool Client::forget(Registration registration) {
  Request request{};
  request.slot = registration.slot;
  request.generation = registration.generation;
  return agrees(Op::forget, request, "forget a member");
}

void Client::put_fd(std::uint64_t key, int fd) {
  Request request{};
  request.key = key;
  const Answer answer = ask(Op::put, request, "leave a descriptor with infra", fd);
  if (answer.status != Status::ok) throw refusal(answer.status, "leave a descriptor with infra");
}

std::optional<sys::UniqueFd> Client::get_fd(std::uint64_t key) {
  Request request{};
  request.key = key;
  Answer answer = ask(Op::get, request, "fetch a descriptor from infra");
  if (answer.status == Status::absent) return std::nullopt;
  // The passenger does not fit when we have no descriptor left ourselves (unix(7), MSG_CTRUNC).
  if (!answer.passenger) throw sys::Error(EMFILE, "fetch a descriptor from infra");
  return std::move(answer.passenger);
}

bool Client::drop_fd(std::uint64_t key) {
  Request request{};
  request.key = key;
  return agrees(Op::drop, request, "drop a descriptor at infra");
}

std::vector<std::uint64_t> Client::list_fds() {
  return ask(Op::list, Request{}, "list the descriptors at infra").keys;
}

std::optional<Exit> Client::next_exit() {
  bool answered = false;
  while (exits_.empty() && receive(nullptr, 0, answered)) {}
  if (exits_.empty()) return std::nullopt;
  Exit exit = exits_.front();
  exits_.pop_front();
  return exit;
}

bool Client::missed_exits() noexcept {
  // Infra pushes nothing into a full socket: of the last ones no later push shows the gap.
  const std::uint64_t all = table_->exits();
  if (all > last_sequence_) missed_ = true;
  last_sequence_ = std::max(last_sequence_, all);
  return std::exchange(missed_, false);
}

bool Client::agrees(Op op, Request request, const char* doing) {
  try {
    return ask(op, request, doing).status == Status::ok;
  } catch (const sys::Error& error) {
    const int number = error.code().value();
    if (number == EPIPE || number == ECONNRESET) return false;
    throw;
  }
}

Client::Answer Client::ask(Op op, Request request, const char* doing, int passenger) {
  const auto deadline = Clock::now() + deadline_;
  request.op = static_cast<std::uint16_t>(op);
  request.serial = ++last_serial_;
  while (sys::send_packet(socket_.get(), &request, sizeof request, passenger) < 0) {
    if (errno == EINTR) continue;
    if (errno != EAGAIN) sys::check(-1, doing);
    if (!wait_for(socket_.get(), POLLOUT, deadline)) throw sys::Error(ETIMEDOUT, doing);
  }
  Answer answer;
  try {
    for (bool answered = false; !answered;)
      if (!receive(&answer, request.serial, answered) && !answered &&
          !wait_for(socket_.get(), POLLIN, deadline))
        throw sys::Error(ETIMEDOUT, "no answer");
  } catch (sys::Error& error) {
    error.prepend(doing);
    throw;
  }
  return answer;
}

bool Client::receive(Answer* answer, std::uint32_t serial, bool& answered) {
  struct {
    Reply reply;
    std::array<std::uint64_t, max_stored_fds> keys;
  } packet{};
  int raw_passenger = -1;
  long size;
  do {
    size = sys::receive_packet(socket_.get(), &packet, sizeof packet, raw_passenger);
  } while (size < 0 && errno == EINTR);
  sys::UniqueFd passenger(raw_passenger);
  if (size < 0 && errno == EAGAIN) return false;
  sys::check(size, "read from infra");
  if (size == 0) throw sys::Error(ECONNRESET, "infra has closed the connection");
  if (size == sizeof(ExitPush) && packet.reply.op == static_cast<std::uint16_t>(Op::exit)) {
    ExitPush push{};
    std::memcpy(&push, &packet, sizeof push);
    keep(push);
    return true;
  }
  const auto bytes = static_cast<std::size_t>(size);
  if (bytes < sizeof(Reply) || (packet.reply.op & static_cast<std::uint16_t>(Op::reply)) == 0)
    throw sys::Error(EPROTO, "read from infra");
  // A reply that a timed-out request no longer waits for.
  if (answer == nullptr || packet.reply.serial != serial) return true;
  if (packet.reply.version != protocol_version)
    throw sys::Error("infra speaks protocol " + std::to_string(packet.reply.version) +
                     ", this program " + std::to_string(protocol_version));
  answer->status = Status{packet.reply.status};
  answer->registration = {packet.reply.slot, packet.reply.generation};
  answer->passenger = std::move(passenger);
  const std::size_t keys = (bytes - sizeof(Reply)) / sizeof(std::uint64_t);
  answer->keys.assign(packet.keys.begin(), packet.keys.begin() + static_cast<std::ptrdiff_t>(keys));
  answered = true;
  return true;
}

void Client::keep(const ExitPush& push) {
  if (push.sequence > last_sequence_ + 1) missed_ = true;
  if (push.sequence > last_sequence_) last_sequence_ = push.sequence;
  Exit exit;
  exit.key = push.key;
  exit.pid = push.pid;
  exit.registration = {push.slot, push.generation};
  exit.status = {push.code, push.status};
  exit.boottime = std::chrono::nanoseconds(push.boottime_ns);
  exit.realtime = std::chrono::nanoseconds(push.realtime_ns);
  exits_.push_back(exit);
}

}  // namespace pausa::infra
