#include "net/services.hpp"

#include "net/probe.hpp"
#include "support/temp_tree.hpp"
#include "sys/error.hpp"

#include <doctest/doctest.h>

using namespace pausa::net;

TEST_SUITE_BEGIN("net/services");

TEST_CASE("the rules of Services: a chain for each port that has a pod, in turn or by client") {
  const auto range = *parse_pool("10.96.0.0/16 fd00:96::/112");
  std::vector<ServiceRoute> routes{
      {"web.default:80",
       "10.96.0.5",
       80,
       30080,
       false,
       false,
       {"10.86.0.2 . 8080", "10.86.0.3 . 80"}},
      {"db.default:53", "10.96.0.6", 53, 0, true, true, {"10.86.0.2 . 53", "10.86.0.3 . 53"}},
      {"one.default:1", "10.96.0.7", 1, 0, false, false, {"10.86.0.2 . 1"}},
      {"none.default:2", "10.96.0.8", 2, 0, false, false, {}},
      {"web.default:80",
       "fd00:96::5",
       80,
       30080,
       false,
       false,
       {"fd00:86::2 . 8080", "fd00:86::3 . 80"}},
      {"db.default:53", "fd00:96::6", 53, 0, true, true, {"fd00:86::2 . 53", "fd00:86::3 . 53"}},
      {"one.default:1", "fd00:96::7", 1, 0, false, false, {"fd00:86::2 . 1"}}};
  const auto rules = service_rules("pausa-services", {"pausa0"}, range, routes);
  const auto has = [&rules](const char* text) {
    CAPTURE(rules);
    CHECK(rules.find(text) != std::string::npos);
  };
  has("delete table inet pausa-services");
  has("numgen inc mod 2 map { 0 : 10.86.0.2 . 8080, 1 : 10.86.0.3 . 80 }");
  has("jhash ip saddr mod 2 map { 0 : 10.86.0.2 . 53, 1 : 10.86.0.3 . 53 }");
  has("dnat ip to 10.86.0.2:1\n");
  has("10.96.0.5 . tcp . 80 : goto service_0, 10.96.0.6 . udp . 53 : goto service_1");
  has("meta nfproto ipv4 fib daddr type local meta l4proto . th dport vmap { tcp . 30080 : goto "
      "service_0 }");
  has("dnat ip6 to numgen inc mod 2 map { 0 : fd00:86::2 . 8080, 1 : fd00:86::3 . 80 }");
  has("dnat ip6 to jhash ip6 saddr mod 2 map { 0 : fd00:86::2 . 53, 1 : fd00:86::3 . 53 }");
  has("dnat ip6 to [fd00:86::2]:1\n");
  has("ip6 daddr . meta l4proto . th dport vmap { fd00:96::5 . tcp . 80 : goto service_4,");
  has("meta nfproto ipv6 fib daddr type local meta l4proto . th dport vmap { tcp . 30080 : goto "
      "service_4 }");
  has("ip6 daddr fd00:96::/112 meta l4proto tcp reject with tcp reset");
  has("ip daddr 10.96.0.0/16 meta l4proto tcp reject with tcp reset");
  CHECK(rules.find("10.96.0.8 .") == std::string::npos);
  CHECK(service_rules("t", {}, range, {}).find("vmap") == std::string::npos);
  CHECK(service_rules("t", {}, *parse_pool("10.96.0.0/16"), {}).find("ip6 daddr fd") ==
        std::string::npos);
}

TEST_CASE("rules of a pod without a bridge lead from its own addresses to its ports") {
  ServiceRoute tcp, udp;
  tcp.address = "127.96.0.1";
  tcp.port = 80;
  tcp.targets = {"127.0.0.1 . 8080"};
  udp.address = "127.96.0.2";
  udp.port = 53;
  udp.udp = true;
  udp.targets = {"127.0.0.1 . 5353"};
  const auto rules = loopback_rules({tcp, udp});
  CAPTURE(rules);
  CHECK(rules.find("ip daddr 127.96.0.1 tcp dport 80 dnat ip to 127.0.0.1:8080\n") !=
        std::string::npos);
  CHECK(rules.find("ip daddr 127.96.0.2 udp dport 53 dnat ip to 127.0.0.1:5353\n") !=
        std::string::npos);
}

TEST_CASE("ranges of Services, as they are asked for") {
  const auto both = parse_service_ranges("fd00:124::/112,10.124.0.0/16");
  REQUIRE(both);
  CHECK(both->v4 == parse_subnet("10.124.0.0/16"));
  CHECK(both->v6 == parse_subnet("fd00:124::/112"));
  CHECK_FALSE(parse_service_ranges("10.124.0.0/16")->v6);
  CHECK_FALSE(parse_service_ranges("fd00:124::/64")->v4);
  for (const char* text :
       {"", "10.124.0.0", "10.124.0.0/29", "10.0.0.0/7", "fd00::/113", "fd00::/31",
        "10.124.0.0/16,", "10.124.0.0/16,10.125.0.0/16", "10.124.0.0/16 x"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_service_ranges(text));
  }
}

TEST_CASE("the range of Services is remembered; one that is in use is refused") {
  const pausa::test::TempTree tree;
  const ServicesLock lock(tree.path());
  const auto wanted = *parse_service_ranges("10.123.0.0/24,fd00:123::/112");
  const auto first = service_range(tree.path(), wanted);
  CHECK(first.v4 == wanted.v4);
  if (first.v6) CHECK(first.v6 == wanted.v6);
  CHECK(service_range(tree.path(), *parse_service_ranges("10.124.0.0/24")) == first);
  const pausa::test::TempTree other;
  other.dir("bridges/pausa0");
  other.file("bridges/pausa0/range", "10.86.0.0/16 fd00:86::/64\n");
  for (const char* text : {"10.86.7.0/24", "fd00:86::/112"})
    if (text[0] == '1' || first.v6)
      CHECK_THROWS_AS(service_range(other.path(), *parse_service_ranges(text)), pausa::sys::Error);
  CHECK(service_range(other.path(), {}).v4.prefix >= 16);
}

TEST_CASE("to a range of IPv4 that an older version remembered comes one of IPv6") {
  const pausa::test::TempTree tree;
  tree.dir("services");
  tree.file("services/range", "10.96.0.0/16\n");
  const auto range = service_range(tree.path(), {});
  CHECK(to_text(range.v4) == "10.96.0.0/16");
  CHECK(range.v6.has_value() == has_ipv6());
  CHECK(service_range(tree.path(), {}) == range);
}

TEST_SUITE_END();
