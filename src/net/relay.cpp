#include "net/relay.hpp"

#include "net/descriptors.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace pausa::net {
namespace {

constexpr std::size_t pipe_size = std::size_t{512} << 10U;
constexpr int turns_at_once = 16;
constexpr int bulk_begins = 3;                                 // full buffers one after the other
constexpr std::size_t stream_begins = std::size_t{16} << 20U;  // what its end waits is little then
constexpr int stream_piece = 1 << 20;
constexpr unsigned splice_flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;

}  // namespace

char* RelaySpace::buffer() {
  if (!buffer_) buffer_.reset(new char[buffer_size]);
  return buffer_.get();
}

std::optional<RelaySpace::Pipe> RelaySpace::take_pipe() {
  if (spare_) return std::exchange(spare_, std::nullopt);
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0) return std::nullopt;
  Pipe pipe{sys::UniqueFd(fds[1]), sys::UniqueFd(fds[0])};
  if (fds[1] >= most_descriptors()) return std::nullopt;  // the rest is for others
  (void)::fcntl(fds[1], F_SETPIPE_SZ, pipe_size);         // a user's quota may say no: then smaller
  return pipe;
}

void RelaySpace::give_pipe(Pipe pipe) {
  if (!spare_) spare_ = std::move(pipe);
}

void RelaySpace::clear() {
  buffer_.reset();
  spare_.reset();
}

Relay::State Relay::move(RelaySpace& space) {
  const auto asked = ways_[0].read;
  const auto up = move(client, server, ways_[0], space);
  if (up == State::ended) return up;
  // What is answered is no stream: its end is waited for.
  if (ways_[0].read != asked) (void)end_stream(server, ways_[1]);
  const auto answered = ways_[1].read;
  const auto down = move(server, client, ways_[1], space);
  const bool again = ways_[1].read != answered && end_stream(client, ways_[0]);
  if (down == State::ended || (ways_[0].done && ways_[1].done)) return State::ended;
  return up == State::busy || down == State::busy || again ? State::busy : State::waits;
}

// As much as one piece in a turn, or it is no stream any more.
void Relay::look() {
  for (Way& way : ways_) {
    if (!way.streams) continue;
    Side& from = &way == &ways_[0] ? client : server;
    if (std::exchange(way.spliced, 0) < static_cast<std::size_t>(stream_piece))
      (void)end_stream(from, way);
    from.readable = true;  // perhaps
  }
}

void Relay::set_streaming(Side& from, Way& way, bool streams) {
  const int least = streams ? stream_piece : 1;
  (void)::setsockopt(from.socket.get(), SOL_SOCKET, SO_RCVLOWAT, &least, sizeof least);
  way.streams = streams;
}

bool Relay::end_stream(Side& from, Way& way) {
  way.streamed = 0;
  if (!way.streams) return false;
  set_streaming(from, way, false);
  from.readable = true;  // perhaps: nobody was told
  return true;
}

Relay::State Relay::move(Side& from, Side& to, Way& way, RelaySpace& space) {
  for (int turn = 0; turn < turns_at_once && !way.done; ++turn) {
    Step step = Step::on;
    if (way.held > 0 || !way.kept.empty()) {
      step = flush(to, way);
    } else if (way.ended) {
      way.done = true;
      (void)::shutdown(to.socket.get(), SHUT_WR);  // one that is gone tells when it is read
    } else if (!from.readable) {
      step = Step::waits;
    } else {
      step = way.full_reads >= bulk_begins ? splice(from, way, space) : copy(from, to, way, space);
    }
    if (step == Step::waits) return State::waits;
    if (step == Step::unread) {
      // Who was reset in the middle is not to look as if it had said all.
      const linger at_once{1, 0};
      (void)::setsockopt(to.socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      return State::ended;
    }
    if (step == Step::unwritten) give_up(way);
  }
  return way.done ? State::waits : State::busy;
}

// Its reader wants no more, but may have answered before it went.
void Relay::give_up(Way& way) {
  std::string().swap(way.kept);
  way.pipe.reset();
  way.held = 0;
  way.done = true;
}

Relay::Step Relay::flush(Side& to, Way& way) {
  if (!to.writable) return Step::waits;
  const auto put =
      way.held > 0
          ? ::splice(way.pipe->out.get(), nullptr, to.socket.get(), nullptr, way.held, splice_flags)
          : ::send(to.socket.get(), way.kept.data(), way.kept.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (put < 0 && errno == EAGAIN) {
    to.writable = false;
    return Step::waits;
  }
  if (put <= 0) return Step::unwritten;
  const auto size = static_cast<std::size_t>(put);
  if (way.held > 0) {
    way.held -= size;
    return Step::on;
  }
  if (size == way.kept.size())
    std::string().swap(way.kept);
  else
    way.kept.erase(0, size);
  return Step::on;
}

// A stream that gives less than it was asked for has no more: the next edge tells (epoll(7)).
Relay::Step Relay::copy(Side& from, Side& to, Way& way, RelaySpace& space) {
  char* const bytes = space.buffer();
  const auto got = ::recv(from.socket.get(), bytes, RelaySpace::buffer_size, MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) {
    from.readable = false;
    return Step::waits;
  }
  if (got < 0) return Step::unread;
  if (got == 0) {
    way.ended = true;
    return Step::on;
  }
  const auto size = static_cast<std::size_t>(got);
  way.read += size;
  way.full_reads = size == RelaySpace::buffer_size ? way.full_reads + 1 : 0;
  if (size < RelaySpace::buffer_size && !from.ending) from.readable = false;
  auto put = to.writable ? ::send(to.socket.get(), bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
  if (put < 0 && errno != EAGAIN) return Step::unwritten;
  if (put < 0) put = 0;
  if (static_cast<std::size_t>(put) == size) return Step::on;
  to.writable = false;
  way.kept.assign(bytes + put, size - static_cast<std::size_t>(put));
  return Step::on;
}

Relay::Step Relay::splice(Side& from, Way& way, RelaySpace& space) {
  if (!way.pipe) way.pipe = space.take_pipe();
  if (!way.pipe) {
    way.full_reads = 0;  // it goes without
    return Step::on;
  }
  const auto got =
      ::splice(from.socket.get(), nullptr, way.pipe->in.get(), nullptr, pipe_size, splice_flags);
  const int error = errno;
  if (got > 0) {
    way.held = static_cast<std::size_t>(got);
    way.read += way.held;
    way.spliced += way.held;
    way.streamed += way.held;
    if (!way.streams && way.streamed >= stream_begins) set_streaming(from, way, true);
    return Step::on;
  }
  space.give_pipe(*std::exchange(way.pipe, std::nullopt));
  // It says so, too, where urgent data was; recv(2) gets past that, and tells the end from it.
  if (got == 0 || (error == EAGAIN && from.ending)) {
    (void)end_stream(from, way);
    way.full_reads = 0;
    return Step::on;
  }
  if (error != EAGAIN) return Step::unread;
  from.readable = false;
  if (way.streams) return Step::waits;
  if (std::exchange(way.spliced, 0) < RelaySpace::buffer_size) {
    way.full_reads = 0;
    way.streamed = 0;
  }
  return Step::waits;
}

}  // namespace pausa::net
