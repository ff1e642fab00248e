#include "net/awake_wait.hpp"
#include "net/descriptors.hpp"
#include "net/forward.hpp"
#include "net/proxy_header.hpp"
#include "net/relay.hpp"
#include "net/socket_address.hpp"
#include "net/tcp_socket.hpp"
#include "sys/error.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/epoll.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <list>
#include <optional>
#include <utility>
#include <vector>

namespace pausa::net {
namespace {

namespace asio = boost::asio;
using Clock = AwakeWait::Clock;
using Descriptor = asio::posix::stream_descriptor;

constexpr int accepts_at_once = 64;
constexpr int events_at_once = 64;
constexpr int batches_at_once = 8;
constexpr std::chrono::milliseconds exhausted_pause(100);
constexpr std::chrono::milliseconds retry_pause(50);
constexpr std::chrono::seconds begin_again(1);
constexpr int unheard_tries = 2;  // after the first: three to seven seconds (TCP_SYNCNT)

constexpr std::size_t few = 4;  // of more connections there is mostly one that has something
constexpr std::chrono::milliseconds look_pause(1);

// The pod's addresses in the order in which clients of one family try them.
struct Way {
  std::vector<Address> addresses;
  std::size_t good = 0;  // the one that answered last
  Clock::time_point begun{};

  // Now and then the first again: its server may have come to listen right after it was tried.
  std::size_t first(Clock::time_point now) {
    if (good != 0 && now - begun < begin_again) return good;
    begun = now;
    return 0;
  }
};

int usable_cpus() {
  cpu_set_t cpus;
  return ::sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
}

// Its sockets are in the forwarder's epoll set as soon as it is connected.
struct Connection {
  explicit Connection(Way& to) : way(to), first(to.first(begun)) {}
  enum class State : std::uint8_t { dialling, retrying, connected, ended };
  State state = State::dialling;
  Clock::time_point begun = Clock::now();
  Way& way;
  std::size_t first;
  std::size_t turn = 0;  // of the addresses
  Relay relay;
  bool watched = false;  // the server's socket: while it is dialled
  bool queued = false;   // has more to move
};

class TcpForwarder : public Forwarder {
 public:
  TcpForwarder(asio::io_context& io, int socket, ForwardTarget target)
      : io_(io),
        target_(std::move(target)),
        alive_(std::make_shared<bool>(true)),
        listener_(socket),
        ready_(io, sys::check(::epoll_create1(EPOLL_CLOEXEC), "wait for connections")),
        pause_(io),
        retry_(io),
        look_(io) {
    for (const bool v6 : {false, true}) {
      auto& way = v6 ? v6_ : v4_;
      way.addresses = target_.addresses;
      std::stable_partition(way.addresses.begin(), way.addresses.end(),
                            [v6](const Address& address) { return address.v6 == v6; });
    }
    epoll_event event{};  // of no connection
    event.events = EPOLLIN | EPOLLET;
    sys::check(::epoll_ctl(ready_.native_handle(), EPOLL_CTL_ADD, listener_, &event),
               "wait for connections");
    wait_for_events();
  }
  ~TcpForwarder() override { *alive_ = false; }
  void forget() override { v4_.good = v6_.good = 0; }
  void rest() override { space_.clear(); }
  void retire() override {
    (void)::epoll_ctl(ready_.native_handle(), EPOLL_CTL_DEL, listener_, nullptr);
    listener_ = -1;
  }
  bool is_idle() const override { return connections_.empty(); }

 private:
  template <typename Handler>
  auto guarded(Handler handler) {
    return [alive = alive_, handler = std::move(handler)](const boost::system::error_code& error) {
      if (*alive && !error) handler();
    };
  }

  // Whether others would be left without descriptors; the next number tells.
  bool is_exhausted() {
    const sys::UniqueFd next(::fcntl(listener_, F_DUPFD_CLOEXEC, 0));
    return !next || next.get() >= most_descriptors();
  }

  // The edge tells once: until nobody waits any more.
  void accept() {
    if (listener_ < 0 || accepting_) return;
    if (is_exhausted()) return back_off();
    for (int i = 0; i < accepts_at_once; ++i) {
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      sys::UniqueFd client(::accept4(listener_, reinterpret_cast<sockaddr*>(&from), &size,
                                     SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!client) {
        if (errno == ECONNABORTED || errno == EINTR) continue;
        if (errno != EAGAIN) back_off();  // the edge has told of those who wait
        return;
      }
      const bool last = client.get() >= most_descriptors();
      const auto address = address_of(from);
      if (is_host_itself(address, client.get())) {
        never_pace(client.get());
      } else if (target_.admits && !target_.admits(address)) {
        refuse(client.get());
        continue;
      }
      auto& connection = connections_.emplace_back(is_v6(from) ? v6_ : v4_);
      if (target_.proxy_protocol != 0) connection.relay.begin_with(header_for(client.get(), from));
      connection.relay.client.socket = std::move(client);
      dial(connection);
      if (last) return back_off();
    }
    accepting_ = true;
    asio::post(io_, [this, alive = alive_] {
      if (!*alive) return;
      accepting_ = false;
      accept();
      sweep();
    });
  }

  std::string header_for(int client, const sockaddr_storage& from) const {
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    (void)::getsockname(client, reinterpret_cast<sockaddr*>(&own), &size);
    return proxy_header(target_.proxy_protocol, from, own);
  }

  // No descriptor is left: those who wait in the backlog have their turn when one is.
  void back_off() {
    pause_.expires_after(exhausted_pause);
    pause_.async_wait(guarded([this] {
      accept();
      sweep();
    }));
  }

  // The next address, until one answers.
  void dial(Connection& one) {
    auto& server = one.relay.server;
    for (; one.turn < one.way.addresses.size(); ++one.turn) {
      const Address& address = one.way.addresses[(one.first + one.turn) % one.way.addresses.size()];
      if (std::exchange(one.watched, false)) unwatch(server);
      server = Relay::Side();
      try {
        server.socket = target_.make_socket(address.v6 ? AF_INET6 : AF_INET, SOCK_STREAM);
      } catch (const std::exception&) {
        continue;  // no IPv6, no descriptor left, the pod has gone
      }
      const auto place = socket_address(address, target_.port);
      const int fd = server.socket.get();
      never_pace(fd);
      if (::connect(fd, place.get(), place.size) == 0) return connected(one);
      if (errno != EINPROGRESS) continue;
      // Inside one machine the answer is mostly there when connect(2) returns; asked once more it
      // tells.
      if (::connect(fd, place.get(), place.size) == 0) return connected(one);
      if (errno != EALREADY) continue;
      (void)::setsockopt(fd, IPPROTO_TCP, TCP_SYNCNT, &unheard_tries, sizeof unheard_tries);
      one.watched = true;
      if (!watch(one.relay.server, one)) return end(one);
      return;
    }
    if (Clock::now() - one.begun < target_.patience) return dial_later(one);
    if (target_.refused) target_.refused();
    end(one);
  }

  void dial_later(Connection& one) {
    one.state = Connection::State::retrying;
    if (std::exchange(one.watched, false)) unwatch(one.relay.server);
    if (std::exchange(retrying_, true)) return;
    retry_.expires_after(retry_pause);
    retry_.async_wait(guarded([this] {
      retrying_ = false;
      for (auto& waiting : connections_) {
        if (waiting.state != Connection::State::retrying) continue;
        waiting.state = Connection::State::dialling;
        waiting.turn = 0;
        dial(waiting);
      }
      sweep();
    }));
  }

  // What connect(2) came to is heard once its socket is writable.
  void dialled(Connection& one) {
    int error = 0;
    socklen_t size = sizeof error;
    (void)::getsockopt(one.relay.server.socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0) return connected(one);
    ++one.turn;
    dial(one);
  }

  void connected(Connection& one) {
    one.state = Connection::State::connected;
    one.way.good = (one.first + one.turn) % one.way.addresses.size();
    const auto& answered = one.way.addresses[one.way.good];
    auto& relay = one.relay;
    relay.client.readable = true;  // mostly
    relay.client.writable = relay.server.writable = true;
    move(one);  // the server has something to do meanwhile
    if (one.state == Connection::State::connected) {
      const int yes = 1;
      (void)::setsockopt(relay.server.socket.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
      if (!watch(relay.client, one) || (!one.watched && !watch(relay.server, one))) end(one);
    }
    if (target_.answered) target_.answered(answered);
  }

  void move(Connection& one) {
    switch (one.relay.move(space_)) {
      case Relay::State::ended:
        return end(one);
      case Relay::State::busy:
        if (!std::exchange(one.queued, true)) queue();
        break;
      case Relay::State::waits:
        break;
    }
    if (one.relay.is_streaming()) look_soon();
  }

  void look_soon() {
    if (std::exchange(looking_, true)) return;
    look_.expires_after(look_pause);
    look_.async_wait(guarded([this] {
      looking_ = false;
      for (auto& one : connections_) {
        if (one.state != Connection::State::connected || !one.relay.is_streaming()) continue;
        one.relay.look();
        move(one);
      }
      sweep();
    }));
  }

  // Others have their turn first.
  void queue() {
    if (std::exchange(queued_, true)) return;
    asio::post(io_, [this, alive = alive_] {
      if (!*alive) return;
      queued_ = false;
      for (auto& one : connections_)
        if (std::exchange(one.queued, false) && one.state == Connection::State::connected)
          move(one);
      sweep();
    });
  }

  void end(Connection& one) {
    unwatch(one.relay.client);
    unwatch(one.relay.server);
    one.state = Connection::State::ended;
    swept_ = false;
  }

  // Not from inside their own functions, nor while events of theirs may be at hand.
  void sweep() {
    if (std::exchange(swept_, true)) return;
    connections_.remove_if(
        [](const Connection& one) { return one.state == Connection::State::ended; });
  }

  // One epoll set below the loop's: a busy connection costs the loop nothing of its own, and a wait
  // brings the events of many.
  bool watch(Relay::Side& side, Connection& one) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    // The lowest bit tells which of its two sides.
    event.data.u64 = reinterpret_cast<std::uintptr_t>(&one) | (&side == &one.relay.server ? 1 : 0);
    return ::epoll_ctl(ready_.native_handle(), EPOLL_CTL_ADD, side.socket.get(), &event) == 0;
  }

  // Said, since closing is not enough while a child of ours has a copy.
  void unwatch(const Relay::Side& side) {
    if (side.socket)
      (void)::epoll_ctl(ready_.native_handle(), EPOLL_CTL_DEL, side.socket.get(), nullptr);
  }

  void wait_for_events() {
    ready_.async_wait(Descriptor::wait_read, guarded([this] { take_events(true); }));
  }

  // Others of the loop have their turn after some batches, and between two looks.
  void take_events(bool slept) {
    std::array<epoll_event, events_at_once> events;
    for (int batch = 0; batch < batches_at_once; ++batch) {
      const int count = ::epoll_wait(ready_.native_handle(), events.data(), events_at_once, 0);
      if (count <= 0) {
        if (!can_be_awake() || !awake_.goes_on(Clock::now())) return wait_for_events();
        break;
      }
      awake_.came(Clock::now(), std::exchange(slept, false));
      for (int i = 0; i < count; ++i) take(events[static_cast<std::size_t>(i)]);
      sweep();
    }
    asio::post(io_, [this, alive = alive_] {
      if (*alive) take_events(false);
    });
  }

  // With one CPU nobody else would come to do anything.
  bool can_be_awake() const { return connections_.size() <= few && many_cpus_ && !queued_; }

  void take(const epoll_event& event) {
    if (event.data.u64 == 0) return accept();
    constexpr std::uint64_t which = 1;
    auto& one = *reinterpret_cast<Connection*>(event.data.u64 & ~which);
    if (one.state == Connection::State::ended) return;
    auto& side = (event.data.u64 & which) != 0 ? one.relay.server : one.relay.client;
    constexpr std::uint32_t gone = EPOLLHUP | EPOLLERR;
    constexpr std::uint32_t over = EPOLLRDHUP | gone;
    // Both halves of one that had only one left: nobody would hear of it by reading.
    if ((event.events & gone) != 0 && one.state == Connection::State::connected &&
        one.relay.is_read(side))
      return end(one);
    // A read stops where urgent data was (tcp(7)).
    if ((event.events & (over | EPOLLPRI)) != 0) side.ending = true;
    if ((event.events & (EPOLLIN | EPOLLPRI | over)) != 0) side.readable = true;
    if ((event.events & (EPOLLOUT | gone)) != 0) side.writable = true;
    if (one.state == Connection::State::connected) return move(one);
    if (one.watched && side.writable) dialled(one);
  }

  asio::io_context& io_;
  ForwardTarget target_;
  Way v4_, v6_;
  std::shared_ptr<bool> alive_;
  int listener_;
  Descriptor ready_;
  asio::steady_timer pause_, retry_, look_;
  RelaySpace space_;
  std::list<Connection> connections_;
  bool accepting_ = false;
  bool retrying_ = false;
  bool looking_ = false;
  bool queued_ = false;
  bool swept_ = true;
  AwakeWait awake_;
  const bool many_cpus_ = usable_cpus() > 1;
};

}  // namespace

std::unique_ptr<Forwarder> forward_tcp(asio::io_context& io, int socket, ForwardTarget target) {
  return std::make_unique<TcpForwarder>(io, socket, std::move(target));
}

}  // namespace pausa::net
