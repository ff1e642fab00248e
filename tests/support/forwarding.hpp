// A forwarder between a client and a server, each a process of its own on the loopback.
#pragma once

#include "net/forward.hpp"
#include "net/publish.hpp"
#include "sys/error.hpp"
#include "sys/net_socket.hpp"

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace pausa::test {

using namespace std::chrono_literals;

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

inline std::uint16_t port_of(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);  // sin6_port is there, too
}

inline sys::UniqueFd blocking(int type) {
  sys::UniqueFd socket(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  const timeval patience{5, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return socket;
}

inline sys::UniqueFd connect_to(std::uint16_t port, int type = SOCK_STREAM) {
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

inline net::PublishedPort any_port(bool udp) {
  net::PublishedPort port;
  port.host = net::parse_address("127.0.0.1");
  port.udp = udp;
  return port;
}

inline net::ForwardTarget target(std::uint16_t port) {
  return {sys::socket_here, {*net::parse_address("127.0.0.1"), *net::parse_address("::1")}, port};
}

// From a free port of the loopback.
struct Forwarding {
  explicit Forwarding(net::ForwardTarget to)
      : forwarder(net::forward_tcp(io, listener.get(), std::move(to))) {}

  boost::asio::io_context io;
  const sys::UniqueFd listener = net::listen_on(any_port(false));
  const std::uint16_t port = port_of(listener.get());
  const std::unique_ptr<net::Forwarder> forwarder;
};

// Runs the client's part in a child beside the forwarder's loop; its result counts.
inline void with_client(boost::asio::io_context& io, const std::function<bool()>& client) {
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
inline void answer_after_the_end(int listener) {
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

inline bool write_all(int socket, const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto n = ::write(socket, text.data() + at, text.size() - at);
    if (n <= 0) return false;
    at += static_cast<std::size_t>(n);
  }
  return true;
}

inline std::string read_to_end(int socket) {
  std::string text;
  std::array<char, 65536> part{};
  ssize_t size;
  while ((size = ::read(socket, part.data(), part.size())) > 0)
    text.append(part.data(), static_cast<std::size_t>(size));
  return size == 0 ? text : "failed";
}

}  // namespace pausa::test
