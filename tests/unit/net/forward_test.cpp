#include "net/forward.hpp"

#include "support/forwarding.hpp"

#include <netinet/tcp.h>

#include <filesystem>
#include <iterator>
#include <utility>
#include <vector>

using namespace pausa;
using namespace pausa::test;
using namespace std::chrono_literals;

namespace {

std::ptrdiff_t open_descriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

}  // namespace

TEST_SUITE_BEGIN("net/forward");

TEST_CASE("TCP: each side may close its half, and the other goes on") {
  const Server server(SOCK_STREAM, answer_after_the_end);
  Forwarding way(target(server.port()));
  with_client(way.io, [port = way.port] {
    for (int i = 0; i < 20; ++i) {
      const auto socket = connect_to(port);
      (void)!::write(socket.get(), "abc", 3);
      ::shutdown(socket.get(), SHUT_WR);
      if (read_to_end(socket.get()) != "cba") return false;
    }
    return true;
  });
}

TEST_CASE("TCP: what a server answers before it has heard all arrives") {
  const Server server(SOCK_STREAM, [](int listener) {
    for (;;) {
      const sys::UniqueFd client(::accept(listener, nullptr, nullptr));
      char first = 0;
      (void)!::read(client.get(), &first, 1);
      (void)!::write(client.get(), "too large", 9);
    }  // closed with the rest unread: that resets
  });
  Forwarding way(target(server.port()));
  with_client(way.io, [port = way.port] {
    const std::string block(1U << 20U, 'x');
    int heard = 0;
    for (int i = 0; i < 10; ++i) {
      const auto socket = connect_to(port);
      for (int part = 0; part < 20; ++part)
        if (::send(socket.get(), block.data(), block.size(), MSG_NOSIGNAL) <= 0) break;
      std::array<char, 64> answer{};
      const auto size = ::recv(socket.get(), answer.data(), answer.size(), 0);
      if (size > 0 && std::string(answer.data(), static_cast<std::size_t>(size)) == "too large")
        ++heard;
    }
    // Our own kernel throws away what has come when the reset does: now and then it is faster.
    return heard >= 5;
  });
}

TEST_CASE("TCP: a client that goes after it has closed its half is let go") {
  const Server server(SOCK_STREAM, [](int listener) {
    const sys::UniqueFd client(::accept(listener, nullptr, nullptr));
    ::pause();  // says nothing
  });
  Forwarding way(target(server.port()));
  const auto before = open_descriptors();
  with_client(way.io, [port = way.port] {
    const auto socket = connect_to(port);
    (void)!::write(socket.get(), "abc", 3);
    ::shutdown(socket.get(), SHUT_WR);
    ::usleep(100'000);  // so that all of it has been heard
    const linger at_once{1, 0};
    return ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0;
  });
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  do {
    way.io.restart();
    (void)way.io.run_for(5ms);
    way.forwarder->rest();
  } while (open_descriptors() != before && std::chrono::steady_clock::now() < deadline);
  CHECK(open_descriptors() == before);
}

TEST_CASE("TCP: who connects before there is a forwarder has what those who come later have") {
  const auto listener = net::listen_on(any_port(false));
  const auto early = connect_to(port_of(listener.get()));
  const sys::UniqueFd accepted(::accept(listener.get(), nullptr, nullptr));
  for (const auto& [level, option] :
       {std::pair<int, int>(IPPROTO_TCP, TCP_NODELAY), {SOL_SOCKET, SO_KEEPALIVE}}) {
    int set = 0;
    socklen_t size = sizeof set;
    CHECK(::getsockopt(accepted.get(), level, option, &set, &size) == 0);
    CHECK(set == 1);
  }
}

TEST_CASE("TCP: where nobody listens the connection ends, and the next is tried again") {
  boost::asio::io_context io;
  std::uint16_t nobody = 0;
  {
    const Server gone(SOCK_STREAM, [](int) {});
    nobody = gone.port();
  }
  const auto listener = net::listen_on(any_port(false));
  const auto port = port_of(listener.get());
  const auto forwarder = net::forward_tcp(io, listener.get(), target(nobody));
  with_client(io, [port] {
    for (int i = 0; i < 3; ++i)
      if (!read_to_end(connect_to(port).get()).empty()) return false;
    return true;
  });
}

TEST_CASE("TCP: a server that comes to listen at the first address later is found there") {
  const Server server(SOCK_STREAM, answer_after_the_end);
  boost::asio::io_context io;
  const auto listener = net::listen_on(any_port(false));
  const auto port = port_of(listener.get());
  auto first = loopback(server.port());
  first.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
  auto to = target(server.port());
  to.addresses.insert(to.addresses.begin(), *net::parse_address("127.0.0.2"));
  const auto later = sys::socket_here(AF_INET, SOCK_STREAM);
  std::vector<std::string> answered;
  to.answered = [&](const net::Address& address) {
    answered.push_back(net::to_text(address));
    if (answered.size() > 1) return;
    ::bind(later.get(), reinterpret_cast<const sockaddr*>(&first), sizeof first);
    ::listen(later.get(), 1);
  };
  const auto forwarder = net::forward_tcp(io, listener.get(), to);
  with_client(io, [port] {
    const auto before = connect_to(port);
    constexpr timespec pause{1, 200'000'000};
    (void)::nanosleep(&pause, nullptr);
    const auto after = connect_to(port);
    constexpr timespec moment{0, 100'000'000};
    return ::nanosleep(&moment, nullptr) == 0;
  });
  CHECK(answered == std::vector<std::string>{"127.0.0.1", "127.0.0.2"});
}

TEST_CASE("TCP: who is not heard of is given up in seconds, not in minutes") {
  // Where as many wait as may, the kernel is silent towards the next (listen(2)).
  const auto full = blocking(SOCK_STREAM);
  const auto anywhere = loopback(0);
  ::bind(full.get(), reinterpret_cast<const sockaddr*>(&anywhere), sizeof anywhere);
  ::listen(full.get(), 0);
  const auto waiting = connect_to(port_of(full.get()));
  boost::asio::io_context io;
  const auto listener = net::listen_on(any_port(false));
  const auto port = port_of(listener.get());
  const auto forwarder = net::forward_tcp(io, listener.get(), target(port_of(full.get())));
  with_client(io, [port] {
    const auto client = connect_to(port);
    pollfd over{client.get(), POLLIN, 0};
    return ::poll(&over, 1, 20'000) == 1 && read_to_end(client.get()).empty();
  });
}

TEST_CASE("TCP: two hundred at once") {
  const Server server(SOCK_STREAM, answer_after_the_end);
  boost::asio::io_context io;
  const auto listener = net::listen_on(any_port(false));
  const auto port = port_of(listener.get());
  auto forwarder = net::forward_tcp(io, listener.get(), target(server.port()));
  with_client(io, [port] {
    std::vector<sys::UniqueFd> sockets;
    for (int i = 0; i < 200; ++i) sockets.push_back(connect_to(port));
    for (const auto& socket : sockets) {
      (void)!::write(socket.get(), "xy", 2);
      ::shutdown(socket.get(), SHUT_WR);
    }
    return std::all_of(sockets.begin(), sockets.end(),
                       [](const auto& socket) { return read_to_end(socket.get()) == "yx"; });
  });
  forwarder.reset();
  io.restart();
  (void)io.poll();  // handlers of what is gone do nothing
}

TEST_CASE("UDP: each client gets its own answers") {
  const Server server(SOCK_DGRAM, [](int socket) {
    for (;;) {
      std::array<char, 512> text{};
      sockaddr_in from{};
      socklen_t size = sizeof from;
      const auto n = ::recvfrom(socket, text.data(), text.size(), 0,
                                reinterpret_cast<sockaddr*>(&from), &size);
      if (n > 0)
        (void)::sendto(socket, text.data(), static_cast<std::size_t>(n), 0,
                       reinterpret_cast<sockaddr*>(&from), size);
    }
  });
  boost::asio::io_context io;
  for (const bool both_families : {false, true}) {
    auto published = any_port(true);
    if (both_families) published.host.reset();
    const auto socket = net::listen_on(published);
    const auto port = port_of(socket.get());
    const auto forwarder = net::forward_udp(io, socket.get(), target(server.port()));
    with_client(io, [port] {
      const auto one = connect_to(port, SOCK_DGRAM);
      const auto other = connect_to(port, SOCK_DGRAM);
      for (int i = 0; i < 10; ++i) {
        (void)::send(one.get(), "one", 3, 0);
        (void)::send(other.get(), "other", 5, 0);
        std::array<char, 16> text{};
        // Connected: only what comes from where it was sent to is heard.
        if (::recv(one.get(), text.data(), text.size(), 0) != 3 || text[2] != 'e') return false;
        if (::recv(other.get(), text.data(), text.size(), 0) != 5 || text[0] != 'o') return false;
      }
      return true;
    });
  }
}

TEST_CASE("UDP: the first packet reaches a server that is not at the first address") {
  const Server server(SOCK_DGRAM, [](int socket) {
    std::array<char, 512> text{};
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const auto n =
        ::recvfrom(socket, text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
    (void)::sendto(socket, text.data(), static_cast<std::size_t>(n), 0,
                   reinterpret_cast<sockaddr*>(&from), size);
  });
  boost::asio::io_context io;
  const auto socket = net::listen_on(any_port(true));
  const auto port = port_of(socket.get());
  auto to = target(server.port());
  to.addresses.insert(to.addresses.begin(), *net::parse_address("127.0.0.9"));
  const auto forwarder = net::forward_udp(io, socket.get(), to);
  with_client(io, [port] {
    const auto one = connect_to(port, SOCK_DGRAM);
    (void)::send(one.get(), "one", 3, 0);
    std::array<char, 16> text{};
    return ::recv(one.get(), text.data(), text.size(), 0) == 3;
  });
}

TEST_SUITE_END();
