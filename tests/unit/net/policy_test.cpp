#include "net/policy.hpp"

#include <doctest/doctest.h>

using namespace pausa::net;

namespace {

struct Rules {
  std::vector<PolicyBridge> bridges{{"pausa0",
                                     {*parse_subnet("10.86.0.0/16"), parse_subnet("fd00:1:2::/64")},
                                     {2, 0x71, 1, 2, 3, 4}}};
  std::vector<PolicyChain> chains;
  std::vector<PolicyPod> pods;
  std::string text() const { return policy_rules("pausa-policies", bridges, chains, pods); }
  bool has(const char* words) const { return text().find(words) != std::string::npos; }
};

PolicyPod pod_at(const std::string& number) {
  PolicyPod pod;
  pod.interface = "pausaaa" + number;
  pod.addresses = {"10.86.0." + number, "fd00:1:2::" + number};
  return pod;
}

PolicyAllow everything() {
  PolicyAllow allow;
  allow.everybody = allow.every_port = true;
  return allow;
}

}  // namespace

TEST_SUITE_BEGIN("net/policy");

TEST_CASE_FIXTURE(Rules, "what a rule lets through, by family, and by ports that do not overlap") {
  PolicyAllow allow;
  allow.peers = {"10.86.0.3", "fd00:1:2::3"};
  allow.blocks = {{"192.0.2.77/24", {"192.0.2.0/26", "192.0.2.128/26"}}, {"2001:db8::/32", {}}};
  allow.ports = {{false, 80, 80}, {false, 90, 100}, {false, 95, 120}, {true, 53, 53}};
  allow.doors = {{"10.86.0.2", false, 8080}};
  chains.push_back({"default/p ingress", false, {allow}});
  pods = {pod_at("2"), pod_at("3")};
  pods[0].ingress = {0};
  CAPTURE(text());
  CHECK(has("    ip saddr { 10.86.0.3 } tcp dport { 80, 90-120 } accept\n"));
  CHECK(has("    ip saddr { 10.86.0.3 } udp dport { 53 } accept\n"));
  CHECK(has("    ip6 saddr { fd00:1:2::3 } tcp dport { 80, 90-120 } accept\n"));
  CHECK(has("ip saddr 192.0.2.0/24 ip saddr != 192.0.2.0/26 ip saddr != 192.0.2.128/26 tcp"));
  CHECK(has("    ip6 saddr 2001:db8::/32 udp dport { 53 } accept\n"));
  CHECK(has("    ip saddr { 10.86.0.3 } ip daddr . tcp dport { 10.86.0.2 . 8080 } accept\n"));
}

TEST_CASE_FIXTURE(Rules, "egress looks at where it goes; everybody is one rule for both families") {
  PolicyAllow allow;
  allow.peers = {"10.86.0.3"};
  allow.every_port = true;
  chains.push_back({"default/p egress", true, {allow, everything()}});
  pods = {pod_at("2")};
  pods[0].egress = {0};
  CAPTURE(text());
  CHECK(
      has("  chain policy_0 {  # default/p egress\n    ip daddr { 10.86.0.3 } accept\n    accept\n "
          " }"));
  CHECK(has("    ip saddr vmap { 10.86.0.2 : goto pods_0 }\n"));
  CHECK_FALSE(has("ip daddr vmap"));
}

TEST_CASE_FIXTURE(
    Rules,
    "pods under the same policies share a chain, and who is let through by none is dropped") {
  chains.push_back({"default/a ingress", false, {everything()}});
  chains.push_back({"default/b ingress", false, {}});
  pods = {pod_at("2"), pod_at("3"), pod_at("4")};
  pods[0].ingress = pods[1].ingress = {0, 1};
  pods[2].ingress = {1};
  CAPTURE(text());
  CHECK(has("  chain pods_0 {\n    jump policy_0\n    jump policy_1\n    drop\n  }\n"));
  CHECK(has("  chain pods_1 {\n    jump policy_1\n    drop\n  }\n"));
  CHECK(has("10.86.0.2 : goto pods_0, 10.86.0.3 : goto pods_0, 10.86.0.4 : goto pods_1"));
}

TEST_CASE_FIXTURE(
    Rules,
    "the bridge hands guarded pods' packets to the host, and takes an address from its pod only") {
  chains.push_back({"default/a ingress", false, {}});
  pods = {pod_at("2"), pod_at("3")};
  pods[0].ingress = {0};
  CAPTURE(text());
  CHECK(has("set ports { type ifname; elements = { \"pausaaa2\" }; }"));
  CHECK(has("set guarded4 { type ipv4_addr; elements = { 10.86.0.2 }; }"));
  CHECK(has("iifname \"pausa*\" ip saddr 10.86.0.0/16 iifname . ip saddr != @own4 drop"));
  CHECK(has("ip6 daddr fd00:1:2::/64 oifname . ip6 daddr != @own6 drop"));
  CHECK(has("iifname { \"pausa0\" } ip saddr . ip daddr { 10.86.0.2 . 10.86.0.2 } accept"));
  CHECK(has("elements = { \"pausaaa2\" . 10.86.0.2, \"pausaaa3\" . 10.86.0.3 }"));
  CHECK(
      has("ip daddr 10.86.0.0/16 ip daddr @guarded4 ether daddr set 02:71:01:02:03:04 meta pkttype "
          "set host"));
  CHECK(has("iifname \"pausa0\" ip6 saddr != fd00:1:2::/64 ip6 daddr { fd00:1:2::2 } drop"));
}

TEST_CASE("a gate admits whom one of its rules lets in") {
  PolicyAllow web;
  web.blocks = {{"192.0.2.0/24", {"192.0.2.128/25", "192.0.2.64/26"}}};
  web.peers = {"10.86.0.3", "fd00::3"};
  web.ports = {{false, 80, 90}};
  PolicyAllow names;
  names.everybody = true;
  names.ports = {{true, 53, 53}};
  const auto text = gate_text({web, names});
  CAPTURE(text);
  const auto admits = [&text](bool udp, std::uint16_t port, const char* client) {
    return gate_admits(text, udp, port, *parse_address(client));
  };
  CHECK(admits(false, 80, "192.0.2.1"));
  CHECK(admits(false, 90, "10.86.0.3"));
  CHECK(admits(false, 85, "fd00::3"));
  CHECK(admits(true, 53, "203.0.113.1"));
  CHECK_FALSE(admits(false, 53, "203.0.113.1"));
  CHECK_FALSE(admits(true, 80, "192.0.2.1"));
  CHECK_FALSE(admits(false, 91, "192.0.2.1"));
  CHECK_FALSE(admits(false, 80, "192.0.2.200"));
  CHECK_FALSE(admits(false, 80, "192.0.2.65"));
  CHECK_FALSE(admits(false, 80, "10.86.0.4"));
  CHECK_FALSE(gate_admits("", false, 80, *parse_address("10.86.0.3")));
  CHECK(gate_admits(gate_text({everything()}), true, 1, *parse_address("2001:db8::1")));
}

TEST_SUITE_END();
