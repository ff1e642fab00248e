#include "net/forward.hpp"

#include "net/publish.hpp"
#include "sys/error.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <functional>
#include <iterator>
#include <string>

using namespace pausa;
using namespace std::chrono_literals;

namespace {

sys::UniqueFd socket_here(int domain, int type) {
  return sys::UniqueFd(
      sys::check(::socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "make a socket"));
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

std::uint16_t port_of(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);  // sin6_port is there, too
}

sys::UniqueFd blocking(int type) {
  sys::UniqueFd socket(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  const timeval patience{5, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return socket;
}

sys::UniqueFd connect_to(std::uint16_t port, int type = SOCK_STREAM) {
  auto socket = blocking(type);
  const auto address = loopback(port);
  sys::check(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
             "connect");
  return socket;
}

// A process that serves on the loopback as long as this lives.
class Server {
 public:
  Server(int type, const std::function<void(int)>& serve) {
    auto listener = blocking(type);
    const auto address = loopback(0);
    sys::check(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
               "bind");
    if (type == SOCK_STREAM) ::listen(listener.get(), 1024);
    port_ = port_of(listener.get());
    pid_ = ::fork();
    if (pid_ == 0) {
      serve(listener.get());
      ::_exit(0);
    }
  }
  ~Server() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  std::uint16_t port() const { return port_; }

 private:
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
};

net::PublishedPort any_port(bool udp) {
  net::PublishedPort port;
  port.host = net::parse_address("127.0.0.1");
  port.udp = udp;
  return port;
}

net::ForwardTarget target(std::uint16_t port) {
  return {socket_here, {*net::parse_address("127.0.0.1"), *net::parse_address("::1")}, port};
}

// Runs the client's part in a child beside the forwarder's loop; its result counts.
void with_client(boost::asio::io_context& io, const std::function<bool()>& client) {
  ::signal(SIGPIPE, SIG_IGN);
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      ::_exit(client() ? 0 : 1);
    } catch (const std::exception&) {
      ::_exit(2);
    }
  }
  int status = -1;
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (::waitpid(child, &status, WNOHANG) == 0 && std::chrono::steady_clock::now() < deadline) {
    io.restart();
    (void)io.run_for(5ms);
  }
  if (status == -1) {
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);
  }
  CHECK(status == 0);
}

// Sends back what comes, after the other side has closed its half.
void answer_after_the_end(int listener) {
  for (;;) {
    const sys::UniqueFd client(::accept(listener, nullptr, nullptr));
    std::string text;
    std::array<char, 4096> part{};
    ssize_t size;
    while ((size = ::read(client.get(), part.data(), part.size())) > 0)
      text.append(part.data(), static_cast<std::size_t>(size));
    std::reverse(text.begin(), text.end());
    (void)!::write(client.get(), text.data(), text.size());
  }
}

std::ptrdiff_t open_descriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

std::string read_to_end(int socket) {
  std::string text;
  std::array<char, 65536> part{};
  ssize_t size;
  while ((size = ::read(socket, part.data(), part.size())) > 0)
    text.append(part.data(), static_cast<std::size_t>(size));
  return size == 0 ? text : "failed";
}

}  // namespace

TEST_SUITE_BEGIN("net/forward");

TEST_CASE("TCP: each side may close its half, and the other goes on") {
  const Server server(SOCK_STREAM, answer_after_the_end);
  boost::asio::io_context io;
  const auto listener = net::listen_on(any_port(false));
  const auto port = port_of(listener.get());
  const auto forwarder = net::forward_tcp(io, listener.get(), target(server.port()));
  with_client(io, [port] {
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
  boost::asio::io_context io;
  const auto listener = net::listen_on(any_port(false));
  const auto port = port_of(listener.get());
  const auto forwarder = net::forward_tcp(io, listener.get(), target(server.port()));
  with_client(io, [port] {
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
  boost::asio::io_context io;
  const auto listener = net::listen_on(any_port(false));
  const auto port = port_of(listener.get());
  const auto forwarder = net::forward_tcp(io, listener.get(), target(server.port()));
  const auto before = open_descriptors();
  with_client(io, [port] {
    const auto socket = connect_to(port);
    (void)!::write(socket.get(), "abc", 3);
    ::shutdown(socket.get(), SHUT_WR);
    ::usleep(100'000);  // so that all of it has been heard
    const linger at_once{1, 0};
    return ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0;
  });
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  do {
    io.restart();
    (void)io.run_for(5ms);
    forwarder->rest();
  } while (open_descriptors() != before && std::chrono::steady_clock::now() < deadline);
  CHECK(open_descriptors() == before);
}

TEST_CASE("TCP: urgent data does not hold up what follows it") {
  const Server server(SOCK_STREAM, answer_after_the_end);
  boost::asio::io_context io;
  const auto listener = net::listen_on(any_port(false));
  const auto port = port_of(listener.get());
  const auto forwarder = net::forward_tcp(io, listener.get(), target(server.port()));
  with_client(io, [port] {
    for (int i = 0; i < 20; ++i) {
      const auto socket = connect_to(port);
      (void)!::write(socket.get(), "abc", 3);
      (void)!::send(socket.get(), "!", 1, MSG_OOB);
      (void)!::write(socket.get(), "def", 3);
      ::usleep(2'000);
      (void)!::write(socket.get(), "ghi", 3);
      ::shutdown(socket.get(), SHUT_WR);
      if (read_to_end(socket.get()) != "ihgfedcba") return false;
    }
    return true;
  });
}

TEST_CASE("TCP: a reader that is slow loses nothing") {
  constexpr std::size_t bytes = std::size_t{24} << 20U;
  const Server server(SOCK_STREAM, [](int listener) {
    const sys::UniqueFd client(::accept(listener, nullptr, nullptr));
    std::string block(1U << 20U, '\0');
    for (std::size_t sent = 0; sent < bytes;) {
      for (std::size_t i = 0; i < block.size(); ++i)
        block[i] = static_cast<char>((sent + i) * 2654435761U >> 13U);
      for (std::size_t at = 0; at < block.size();) {
        const auto n = ::write(client.get(), block.data() + at, block.size() - at);
        if (n <= 0) return;
        at += static_cast<std::size_t>(n);
      }
      sent += block.size();
    }
  });
  boost::asio::io_context io;
  const auto listener = net::listen_on(any_port(false));
  const auto port = port_of(listener.get());
  const auto forwarder = net::forward_tcp(io, listener.get(), target(server.port()));
  with_client(io, [port] {
    const auto socket = connect_to(port);
    constexpr timespec pause{0, 50'000'000};
    (void)::nanosleep(&pause, nullptr);  // buffers and pipe are full meanwhile
    const std::string text = read_to_end(socket.get());
    if (text.size() != bytes) return false;
    for (std::size_t i = 0; i < bytes; ++i)
      if (text[i] != static_cast<char>(i * 2654435761U >> 13U)) return false;
    return true;
  });
}

TEST_CASE("TCP: a stream that stops short of a large piece is not held back, nor what follows it") {
  constexpr std::size_t large = (std::size_t{64} << 20U) + 12'345;
  const Server server(SOCK_STREAM, [](int listener) {
    const sys::UniqueFd client(::accept(listener, nullptr, nullptr));
    std::string block(1U << 20U, 'x');
    for (std::size_t got = 0; got < large;) {
      const auto n = ::read(client.get(), block.data(), std::min(block.size(), large - got));
      if (n <= 0) return;
      got += static_cast<std::size_t>(n);
    }
    for (char one = 'a'; one != 'z';) {  // says that it has all, then what it hears
      if (::write(client.get(), &one, 1) != 1 || ::read(client.get(), &one, 1) != 1) return;
    }
  });
  boost::asio::io_context io;
  const auto listener = net::listen_on(any_port(false));
  const auto port = port_of(listener.get());
  const auto forwarder = net::forward_tcp(io, listener.get(), target(server.port()));
  with_client(io, [port] {
    const auto socket = connect_to(port);
    const std::string bytes(large, 'x');
    for (std::size_t at = 0; at < large;) {
      const auto n = ::write(socket.get(), bytes.data() + at, large - at);
      if (n <= 0) return false;
      at += static_cast<std::size_t>(n);
    }
    for (const char said : {'b', 'c', 'd'}) {
      char heard = 0;
      if (::read(socket.get(), &heard, 1) != 1 || heard != (said == 'b' ? 'a' : said - 1))
        return false;
      if (::write(socket.get(), &said, 1) != 1) return false;
    }
    return true;
  });
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
  const auto later = socket_here(AF_INET, SOCK_STREAM);
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

TEST_CASE("a port of ours is had on another address beside, and still by nobody else") {
  for (const bool udp : {false, true}) {
    net::PublishedPort all{std::nullopt, 0, 0, udp};
    const auto first = net::listen_on(all);
    REQUIRE(first);
    all.host_port = port_of(first.get());
    auto one = all;
    one.host = net::parse_address("127.0.0.1");
    CHECK_FALSE(net::listen_on(one));
    const auto second = net::listen_on(one, {first.get()});
    CHECK(second);
    CHECK_FALSE(net::listen_on(one));
    one.host = net::parse_address("127.0.0.2");
    CHECK_FALSE(net::listen_on(one));
  }
}

TEST_CASE("a port that is taken: who has it, and the next that is free") {
  auto port = any_port(false);
  const auto first = net::listen_on(port);
  REQUIRE(first);
  port.host_port = port_of(first.get());
  CHECK_FALSE(net::listen_on(port));
  const auto holders = net::holders_of(port);
  CHECK(std::find(holders.begin(), holders.end(), ::getpid()) != holders.end());
  CHECK(net::next_free(port) > port.host_port);
  port.host = net::parse_address("192.0.2.77");
  CHECK_THROWS_WITH_AS((void)net::listen_on(port), doctest::Contains("has no such address"),
                       sys::Error);
  CHECK(net::to_text(port) == "192.0.2.77:" + std::to_string(port.host_port) + "/tcp");
}

TEST_SUITE_END();
