#include "net/publish.hpp"

#include "support/forwarding.hpp"

using namespace pausa;
using namespace pausa::test;
using namespace std::chrono_literals;

TEST_SUITE_BEGIN("net/publish");

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
