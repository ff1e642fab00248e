#include "pod/port_words.hpp"

#include <doctest/doctest.h>

using namespace pausa;

TEST_SUITE("pod/port_words") {
  TEST_CASE("a port to forward, as it is written") {
    auto port = pod::parse_forwarded_port("8080:80");
    REQUIRE(port);
    CHECK(port->local == 8080);
    CHECK(port->remote.number == 80);
    CHECK_FALSE(port->udp);
    port = pod::parse_forwarded_port("80");
    REQUIRE(port);
    CHECK_FALSE(port->local);
    CHECK(port->remote.number == 80);
    for (const char* any : {":80", "0:80"}) {
      port = pod::parse_forwarded_port(any);
      REQUIRE(port);
      CHECK(port->local == 0);
    }
    port = pod::parse_forwarded_port("8080:http");
    REQUIRE(port);
    CHECK(port->remote.name == "http");
    CHECK(port->remote.number == 0);
    port = pod::parse_forwarded_port("5353:dns-1/udp");
    REQUIRE(port);
    CHECK(port->udp);
    CHECK(port->remote.name == "dns-1");
    CHECK(pod::parse_forwarded_port("80/tcp"));
  }

  TEST_CASE("what is none") {
    for (const char* text :
         {"", ":", "80:", "a:80", "70000", "80:70000", "0", "80:0", "-1", "80/sctp", "8080:80:90",
          "8080:Http", "a-name-that-is-too-long", "80/", "1 :2"})
      CHECK_MESSAGE(!pod::parse_forwarded_port(text), text);
  }

  TEST_CASE("a port of a pod: by number or by name, of which protocol") {
    pod::Spec spec;
    spec.init_containers.resize(1);
    spec.containers.resize(2);
    spec.containers[0].ports = {{"http", 8080, 0, "", pod::Protocol::tcp}};
    spec.containers[1].ports = {{"dns", 53, 0, "", pod::Protocol::udp}};
    auto found = pod::find_port(spec, {0, "http"}, false);
    REQUIRE(found);
    CHECK(found->number == 8080);
    CHECK(found->container == 1);
    CHECK_FALSE(pod::find_port(spec, {0, "http"}, true));
    CHECK_FALSE(pod::find_port(spec, {0, "none"}, false));
    found = pod::find_port(spec, {53, ""}, true);
    REQUIRE(found);
    CHECK(found->container == 2);
    found = pod::find_port(spec, {9000, ""}, false);
    REQUIRE(found);
    CHECK(found->number == 9000);
    CHECK_FALSE(found->container);
  }
}
