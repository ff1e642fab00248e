#include "net/services.hpp"

#include "support/temp_tree.hpp"
#include "sys/error.hpp"

#include <doctest/doctest.h>

using namespace pausa::net;

TEST_SUITE_BEGIN("net/services");

TEST_CASE("the rules of Services: a chain for each port that has a pod, in turn or by client") {
  const auto range = *parse_subnet("10.96.0.0/16");
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
      {"none.default:2", "10.96.0.8", 2, 0, false, false, {}}};
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
  has("tcp . 30080 : goto service_0");
  has("ip daddr 10.96.0.0/16 meta l4proto tcp reject with tcp reset");
  CHECK(rules.find("10.96.0.8 .") == std::string::npos);
  CHECK(service_rules("t", {}, range, {}).find("vmap") == std::string::npos);
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

TEST_CASE("the range of Services is remembered; one that is in use is refused") {
  const pausa::test::TempTree tree;
  const ServicesLock lock(tree.path());
  const auto wanted = parse_subnet("10.123.0.0/24");
  CHECK(service_range(tree.path(), wanted) == *wanted);
  CHECK(service_range(tree.path(), parse_subnet("10.124.0.0/24")) == *wanted);
  const pausa::test::TempTree other;
  other.dir("bridges/pausa0");
  other.file("bridges/pausa0/range", "10.86.0.0/16\n");
  CHECK_THROWS_AS(service_range(other.path(), parse_subnet("10.86.7.0/24")), pausa::sys::Error);
  CHECK(service_range(other.path(), std::nullopt).prefix >= 16);
}

TEST_SUITE_END();
