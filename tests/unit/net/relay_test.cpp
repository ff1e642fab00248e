#include "support/forwarding.hpp"

#include <boost/asio/steady_timer.hpp>

using namespace pausa;
using namespace pausa::test;
using namespace std::chrono_literals;

namespace {

// Of all sockets of this process: what has to be there before one is told (SO_RCVLOWAT).
int largest_low_water() {
  int largest = 0;
  for (int fd = 0; fd < 256; ++fd) {
    int own = 0;
    socklen_t size = sizeof own;
    if (::getsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &own, &size) == 0)
      largest = std::max(largest, own);
  }
  return largest;
}

}  // namespace

TEST_SUITE_BEGIN("net/relay");

TEST_CASE("TCP: urgent data does not hold up what follows it") {
  const Server server(SOCK_STREAM, answer_after_the_end);
  Forwarding way(target(server.port()));
  with_client(way.io, [port = way.port] {
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

TEST_CASE("TCP: nor does it in the middle of much") {
  constexpr std::size_t before = 8'000'000;
  constexpr std::size_t after = 700'000;
  const Server server(SOCK_STREAM, answer_after_the_end);
  Forwarding way(target(server.port()));
  with_client(way.io, [port = way.port] {
    for (int i = 0; i < 5; ++i) {
      const auto socket = connect_to(port);
      if (!write_all(socket.get(), std::string(before, 'x'))) return false;
      (void)!::send(socket.get(), "!", 1, MSG_OOB);
      if (!write_all(socket.get(), std::string(after, 'y'))) return false;
      ::shutdown(socket.get(), SHUT_WR);
      if (read_to_end(socket.get()) != std::string(after, 'y') + std::string(before, 'x'))
        return false;
    }
    return true;
  });
}

TEST_CASE("TCP: who is answered at length is told of each byte, as the other side answers none") {
  constexpr std::size_t large = 256U << 10U;
  const Server server(SOCK_STREAM, [](int listener) {
    const sys::UniqueFd client(::accept(listener, nullptr, nullptr));
    const std::string answer(large, 'x');
    char question = 0;
    while (::read(client.get(), &question, 1) == 1 && write_all(client.get(), answer)) continue;
  });
  Forwarding way(target(server.port()));
  int most = 0;
  boost::asio::steady_timer timer(way.io);
  std::function<void()> look = [&] {
    most = std::max(most, largest_low_water());
    timer.expires_after(1ms);
    timer.async_wait([&](const boost::system::error_code&) { look(); });
  };
  look();
  with_client(way.io, [port = way.port] {
    const auto socket = connect_to(port);
    std::string answer(large, '\0');
    for (int i = 0; i < 400; ++i) {
      (void)!::write(socket.get(), "?", 1);
      if (::recv(socket.get(), answer.data(), large, MSG_WAITALL) != large) return false;
    }
    return true;
  });
  CHECK(most == 1);
}

TEST_CASE("TCP: a reader that is slow loses nothing") {
  constexpr std::size_t bytes = std::size_t{24} << 20U;
  const Server server(SOCK_STREAM, [](int listener) {
    const sys::UniqueFd client(::accept(listener, nullptr, nullptr));
    std::string block(1U << 20U, '\0');
    for (std::size_t sent = 0; sent < bytes;) {
      for (std::size_t i = 0; i < block.size(); ++i)
        block[i] = static_cast<char>((sent + i) * 2654435761U >> 13U);
      if (!write_all(client.get(), block)) return;
      sent += block.size();
    }
  });
  Forwarding way(target(server.port()));
  with_client(way.io, [port = way.port] {
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
  Forwarding way(target(server.port()));
  with_client(way.io, [port = way.port] {
    const auto socket = connect_to(port);
    if (!write_all(socket.get(), std::string(large, 'x'))) return false;
    for (const char said : {'b', 'c', 'd'}) {
      char heard = 0;
      if (::read(socket.get(), &heard, 1) != 1 || heard != (said == 'b' ? 'a' : said - 1))
        return false;
      if (::write(socket.get(), &said, 1) != 1) return false;
    }
    return true;
  });
}

TEST_SUITE_END();
