#include "net/descriptors.hpp"
#include "net/forward.hpp"
#include "net/socket_address.hpp"
#include "sys/error.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <list>
#include <optional>
#include <utility>
#include <vector>

namespace pausa::net {
namespace {

namespace asio = boost::asio;
using Descriptor = asio::posix::stream_descriptor;

constexpr std::size_t pipe_size = 256U << 10U;
constexpr int turns_at_once = 16;  // then others have theirs
constexpr int accepts_at_once = 64;
constexpr std::chrono::milliseconds exhausted_pause(100);

struct Pipe {
  sys::UniqueFd in, out;
};

// Pipes without anything in them go from connection to connection: one that is idle has none.
class Pipes {
 public:
  std::optional<Pipe> take() {
    if (spare_) return std::exchange(spare_, std::nullopt);
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0) return std::nullopt;
    Pipe pipe{sys::UniqueFd(fds[1]), sys::UniqueFd(fds[0])};
    (void)::fcntl(fds[1], F_SETPIPE_SZ, pipe_size);  // a user's quota may say no: then smaller
    return pipe;
  }
  void give(Pipe pipe) {
    if (!spare_) spare_ = std::move(pipe);
  }

 private:
  std::optional<Pipe> spare_;
};

// The pod's addresses in the order in which clients of one family try them.
struct Way {
  std::vector<Address> addresses;
  std::size_t good = 0;  // the one that answered last
};

bool is_v6(int socket) {
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&own), &size) < 0) return false;
  return own.ss_family == AF_INET6 &&
         !IN6_IS_ADDR_V4MAPPED(&reinterpret_cast<const sockaddr_in6&>(own).sin6_addr);
}

// What both directions, and the forwarder, need to know of each other.
class Connection;
using Ended = std::function<void(Connection*)>;

class Connection {
 public:
  Connection(asio::io_context& io, const ForwardTarget& target, Way& way, Pipes& pipes,
             sys::UniqueFd client, Ended ended)
      : io_(io),
        target_(target),
        way_(way),
        first_(way.good),
        pipes_(pipes),
        ended_(std::move(ended)),
        alive_(std::make_shared<bool>(true)),
        client_(io, client.release()),
        server_(io) {}
  ~Connection() { *alive_ = false; }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start() { dial(0); }

 private:
  struct Direction {
    std::optional<Pipe> pipe;
    std::size_t held = 0;  // in the pipe
    bool ended = false;    // the reading side said all
    bool done = false;     // and the writing side was told
  };

  // Calls `handler` unless the connection has gone meanwhile.
  template <typename Handler>
  void when(Descriptor& descriptor, Descriptor::wait_type what, Handler handler) {
    descriptor.async_wait(what, [this, alive = alive_, handler = std::move(handler)](
                                    const boost::system::error_code& error) {
      if (!*alive) return;
      if (error)
        end();
      else
        handler();
    });
  }

  void dial(std::size_t turn) {
    if (turn >= way_.addresses.size()) return end();
    try {
      const Address& address = way_.addresses[(first_ + turn) % way_.addresses.size()];
      server_ = Descriptor(
          io_, target_.make_socket(address.v6 ? AF_INET6 : AF_INET, SOCK_STREAM).release());
      const auto place = socket_address(address, target_.port);
      if (::connect(server_.native_handle(), place.get(), place.size) == 0) return answered(turn);
      if (errno != EINPROGRESS) return dial(turn + 1);
    } catch (const std::exception&) {
      return dial(turn + 1);  // no IPv6, no descriptor left, the pod has gone
    }
    when(server_, Descriptor::wait_write, [this, turn] {
      int error = 0;
      socklen_t size = sizeof error;
      (void)::getsockopt(server_.native_handle(), SOL_SOCKET, SO_ERROR, &error, &size);
      if (error == 0)
        answered(turn);
      else
        dial(turn + 1);
    });
  }

  void answered(std::size_t turn) {
    way_.good = (first_ + turn) % way_.addresses.size();
    if (target_.answered) target_.answered(way_.addresses[way_.good]);
    connected();
  }

  void connected() {
    for (const int socket : {client_.native_handle(), server_.native_handle()}) {
      const int yes = 1;
      (void)::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
      // A client that has vanished without a word would hold its connection for ever.
      (void)::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
    }
    const auto alive = alive_;
    move(client_, server_, up_);
    if (*alive) move(server_, client_, down_);
  }

  // As much as goes now; then waits for the side that holds it up.
  void move(Descriptor& from, Descriptor& to, Direction& way) {
    constexpr unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
    for (int turn = 0; turn < turns_at_once; ++turn) {
      if (way.held == 0 && way.ended) return finish(to, way);
      if (way.held == 0) {
        if (!way.pipe) way.pipe = pipes_.take();
        if (!way.pipe) return end();
        const auto got =
            ::splice(from.native_handle(), nullptr, way.pipe->in.get(), nullptr, pipe_size, flags);
        if (got < 0 && errno != EAGAIN) return end();
        if (got <= 0) pipes_.give(*std::exchange(way.pipe, std::nullopt));
        if (got < 0) return when(from, Descriptor::wait_read, [&, this] { move(from, to, way); });
        way.ended = got == 0;
        way.held = static_cast<std::size_t>(got);
        continue;
      }
      const auto put =
          ::splice(way.pipe->out.get(), nullptr, to.native_handle(), nullptr, way.held, flags);
      if (put < 0 && errno == EAGAIN)
        return when(to, Descriptor::wait_write, [&, this] { move(from, to, way); });
      if (put <= 0) return end();
      way.held -= static_cast<std::size_t>(put);
    }
    asio::post(io_, [&, this, alive = alive_] {
      if (*alive) move(from, to, way);
    });
  }

  void finish(Descriptor& to, Direction& way) {
    way.done = true;
    (void)::shutdown(to.native_handle(), SHUT_WR);  // one that is gone tells when it is read
    if (up_.done && down_.done) end();
  }

  // The forwarder destroys us.
  void end() {
    if (!*alive_) return;
    *alive_ = false;
    ended_(this);
  }

  asio::io_context& io_;
  const ForwardTarget& target_;
  Way& way_;
  std::size_t first_;
  Pipes& pipes_;
  Ended ended_;
  std::shared_ptr<bool> alive_;
  Descriptor client_;
  Descriptor server_;
  Direction up_;
  Direction down_;
};

class TcpForwarder : public Forwarder {
 public:
  TcpForwarder(asio::io_context& io, int socket, ForwardTarget target)
      : io_(io),
        target_(std::move(target)),
        alive_(std::make_shared<bool>(true)),
        listener_(io, socket),
        pause_(io) {
    for (const bool v6 : {false, true}) {
      auto& way = v6 ? v6_ : v4_;
      way.addresses = target_.addresses;
      std::stable_partition(way.addresses.begin(), way.addresses.end(),
                            [v6](const Address& address) { return address.v6 == v6; });
    }
    wait();
  }
  ~TcpForwarder() override {
    *alive_ = false;
    (void)listener_.release();
  }
  void forget() override { v4_.good = v6_.good = 0; }

 private:
  void wait() {
    listener_.async_wait(Descriptor::wait_read,
                         [this, alive = alive_](const boost::system::error_code& error) {
                           if (*alive && !error) accept();
                         });
  }

  void accept() {
    for (int i = 0; i < accepts_at_once; ++i) {
      sys::UniqueFd client(
          ::accept4(listener_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!client) {
        if (errno == ECONNABORTED || errno == EINTR) continue;
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
          return rest();
        break;
      }
      if (client.get() >= most_descriptors()) return rest();
      auto& way = is_v6(client.get()) ? v6_ : v4_;
      auto connection = std::make_unique<Connection>(
          io_, target_, way, pipes_, std::move(client), [this](Connection* ended) {
            // Not from inside its own function.
            asio::post(io_, [this, alive = alive_, ended] {
              if (*alive)
                connections_.remove_if([ended](const auto& one) { return one.get() == ended; });
            });
          });
      auto& begun = *connections_.emplace_back(std::move(connection));
      begun.start();
    }
    wait();
  }

  // No descriptor is left: those who wait in the backlog have their turn when one is.
  void rest() {
    pause_.expires_after(exhausted_pause);
    pause_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
      if (*alive && !error) wait();
    });
  }

  asio::io_context& io_;
  ForwardTarget target_;
  Way v4_, v6_;
  std::shared_ptr<bool> alive_;
  Descriptor listener_;
  asio::steady_timer pause_;
  Pipes pipes_;
  std::list<std::unique_ptr<Connection>> connections_;
};

}  // namespace

std::unique_ptr<Forwarder> forward_tcp(asio::io_context& io, int socket, ForwardTarget target) {
  return std::make_unique<TcpForwarder>(io, socket, std::move(target));
}

}  // namespace pausa::net
