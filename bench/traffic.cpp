// Both ends of the traffic that bench/ports measures. One thread each.
//   traffic serve PORT                      echoes; what begins with 'B' is swallowed
//   traffic relay PORT TO                   the least that leads whoever connects there to TO
//   traffic bulk|writes|trip|connect|many ADDRESS PORT
// bulk: MB/s of 1 GB one way, in writes of 256 KiB that are sent at once (TCP_NODELAY). writes: the
// same in writes of 16 KiB, as programs send that have asked for nothing. trip: median us of 64
// bytes there and back. connect: median us of a connection with one such trip. many: trips a second
// over 16 connections.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t small = 64;
constexpr std::size_t medium = 16U << 10U;
constexpr std::size_t large = 256U << 10U;

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

void set_no_delay(int socket, bool at_once) {
  const int value = at_once ? 1 : 0;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &value, sizeof value);
}

int dial(const char* address, const char* port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  ::inet_pton(AF_INET, address, &to.sin_addr);
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  if (::connect(socket, reinterpret_cast<sockaddr*>(&to), sizeof to) < 0) die("connect");
  set_no_delay(socket, true);
  return socket;
}

void send_all(int socket, const char* bytes, std::size_t size) {
  while (size > 0) {
    const auto sent = ::send(socket, bytes, size, MSG_NOSIGNAL);
    if (sent <= 0) die("send");
    bytes += sent;
    size -= static_cast<std::size_t>(sent);
  }
}

void receive_all(int socket, std::size_t size) {
  std::array<char, small> bytes;
  while (size > 0) {
    const auto got = ::recv(socket, bytes.data(), std::min(size, bytes.size()), 0);
    if (got <= 0) die("recv");
    size -= static_cast<std::size_t>(got);
  }
}

void trip(int socket) {
  static const std::array<char, small> bytes{};
  send_all(socket, bytes.data(), small);
  receive_all(socket, small);
}

int listen_at(const char* port) {
  sockaddr_in own{};
  own.sin_family = AF_INET;
  own.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  const int yes = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&own), sizeof own) < 0) die("bind");
  ::listen(listener, 1024);
  return listener;
}

void relay(const char* port, const char* to) {
  const int listener = listen_at(port);
  const int poll = ::epoll_create1(0);
  std::array<int, 1024> others{};
  const auto watch = [&](int socket, int other) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = socket;
    others.at(static_cast<std::size_t>(socket)) = other;
    ::epoll_ctl(poll, EPOLL_CTL_ADD, socket, &event);
  };
  watch(listener, -1);
  std::vector<char> bytes(large);
  std::array<epoll_event, 64> events;
  for (;;) {
    const int count = ::epoll_wait(poll, events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      const int socket = events[static_cast<std::size_t>(i)].data.fd;
      int& other = others.at(static_cast<std::size_t>(socket));
      if (socket == listener) {
        const int client = ::accept(listener, nullptr, nullptr);
        if (client < 0) continue;
        set_no_delay(client, true);
        const int server = dial("127.0.0.1", to);
        watch(client, server);
        watch(server, client);
        continue;
      }
      if (other < 0) continue;  // closed in this batch
      const auto got = ::recv(socket, bytes.data(), bytes.size(), 0);
      if (got > 0) {
        (void)!::send(other, bytes.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL);
        continue;
      }
      others.at(static_cast<std::size_t>(other)) = -1;
      ::close(other);
      ::close(socket);
      other = -1;
    }
  }
}

void serve(const char* port) {
  const int listener = listen_at(port);
  const int poll = ::epoll_create1(0);
  const auto watch = [poll](int socket) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = socket;
    ::epoll_ctl(poll, EPOLL_CTL_ADD, socket, &event);
  };
  watch(listener);
  std::vector<char> bytes(large);
  std::array<epoll_event, 64> events;
  for (;;) {
    const int count = ::epoll_wait(poll, events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      const int socket = events[static_cast<std::size_t>(i)].data.fd;
      if (socket == listener) {
        const int client = ::accept(listener, nullptr, nullptr);
        if (client < 0) continue;
        set_no_delay(client, true);
        watch(client);
        continue;
      }
      const auto got = ::recv(socket, bytes.data(), bytes.size(), 0);
      if (got <= 0)
        ::close(socket);
      else if (bytes[0] != 'B')
        send_all(socket, bytes.data(), static_cast<std::size_t>(got));
    }
  }
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double bulk(const char* address, const char* port, std::size_t size, bool at_once) {
  const std::vector<char> bytes(size, 'B');
  const int socket = dial(address, port);
  set_no_delay(socket, at_once);
  const auto begin = Clock::now();
  std::size_t sent = 0;
  for (; sent < 1'000'000'000; sent += size) send_all(socket, bytes.data(), size);
  ::shutdown(socket, SHUT_WR);
  char end;
  (void)!::recv(socket, &end, 1, 0);
  return static_cast<double>(sent) / 1e6 / seconds_since(begin);
}

double trips(const char* address, const char* port) {
  const int socket = dial(address, port);
  std::vector<double> times;
  for (int i = 0; i < 10'000; ++i) {
    const auto begin = Clock::now();
    trip(socket);
    times.push_back(seconds_since(begin) * 1e6);
  }
  return median(times);
}

double connects(const char* address, const char* port) {
  std::vector<double> times;
  for (int i = 0; i < 1000; ++i) {
    const auto begin = Clock::now();
    const int socket = dial(address, port);
    trip(socket);
    ::close(socket);
    times.push_back(seconds_since(begin) * 1e6);
  }
  return median(times);
}

double many(const char* address, const char* port) {
  const int poll = ::epoll_create1(0);
  const std::array<char, small> bytes{};
  for (int i = 0; i < 16; ++i) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = dial(address, port);
    ::epoll_ctl(poll, EPOLL_CTL_ADD, event.data.fd, &event);
    send_all(event.data.fd, bytes.data(), small);
  }
  std::array<epoll_event, 16> events;
  double done = 0;
  const auto begin = Clock::now();
  while (seconds_since(begin) < 2) {
    const int count = ::epoll_wait(poll, events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i, ++done) {
      receive_all(events[static_cast<std::size_t>(i)].data.fd, small);
      send_all(events[static_cast<std::size_t>(i)].data.fd, bytes.data(), small);
    }
  }
  return done / seconds_since(begin);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 2 ? argv[1] : "";
  if (what == "serve") serve(argv[2]);
  if (argc < 4) return 2;
  if (what == "relay") relay(argv[2], argv[3]);
  double value = 0;
  if (what == "bulk") value = bulk(argv[2], argv[3], large, true);
  if (what == "writes") value = bulk(argv[2], argv[3], medium, false);
  if (what == "trip") value = trips(argv[2], argv[3]);
  if (what == "connect") value = connects(argv[2], argv[3]);
  if (what == "many") value = many(argv[2], argv[3]);
  std::printf("%.1f\n", value);
}
