#include "net/proxy_header.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <doctest/doctest.h>

using namespace pausa;

namespace {

sockaddr_storage place(const char* address, std::uint16_t port) {
  sockaddr_storage out{};
  auto& four = reinterpret_cast<sockaddr_in&>(out);
  auto& six = reinterpret_cast<sockaddr_in6&>(out);
  if (::inet_pton(AF_INET, address, &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
  } else {
    REQUIRE(::inet_pton(AF_INET6, address, &six.sin6_addr) == 1);
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port);
  }
  return out;
}

}  // namespace

TEST_SUITE("net/proxy_header") {
  TEST_CASE("version 1 is a line") {
    CHECK(net::proxy_header(1, place("192.0.2.7", 50000), place("198.51.100.1", 8080)) ==
          "PROXY TCP4 192.0.2.7 198.51.100.1 50000 8080\r\n");
    CHECK(net::proxy_header(1, place("2001:db8::7", 50000), place("2001:db8::1", 80)) ==
          "PROXY TCP6 2001:db8::7 2001:db8::1 50000 80\r\n");
  }

  TEST_CASE("IPv4 on a socket of both families is told as IPv4") {
    CHECK(net::proxy_header(1, place("::ffff:192.0.2.7", 1), place("::ffff:198.51.100.1", 2)) ==
          "PROXY TCP4 192.0.2.7 198.51.100.1 1 2\r\n");
  }

  TEST_CASE("version 2 is binary") {
    const std::string four =
        net::proxy_header(2, place("192.0.2.7", 0x1234), place("198.51.100.1", 80));
    CHECK(four ==
          std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\7\xc6\x33\x64\1\x12\x34\0P", 28));
    const std::string six = net::proxy_header(2, place("2001:db8::7", 1), place("2001:db8::1", 2));
    REQUIRE(six.size() == 52);
    CHECK(six[13] == '\x21');
    CHECK(six[15] == 36);
    CHECK(six.substr(48) == std::string("\0\1\0\2", 4));
  }
}
