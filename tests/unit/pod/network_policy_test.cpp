#include "pod/network_policy.hpp"

#include "pod/ip_block.hpp"
#include "pod/object.hpp"
#include "pod/value.hpp"
#include "support/json_node.hpp"

#include <doctest/doctest.h>

using namespace pausa::pod;
using namespace pausa;

namespace {

NetworkPolicy read(const std::string& spec) {
  return decode_network_policy(test::read_json(spec));
}

// Its faults, one a line.
std::string judge(const std::string& spec) {
  std::string text;
  const auto node = test::read_json(R"({"apiVersion": "networking.k8s.io/v1",
      "kind": "NetworkPolicy", "metadata": {"name": "p"}, "spec": )" +
                                    spec + "}");
  for (const auto& fault : validate_object(node, ObjectKind::network_policy))
    if (fault.severity == Severity::error) text += message(fault) + "\n";
  return text;
}
std::string judge_port(const std::string& port) {
  return judge(R"({"podSelector": {}, "ingress": [{"ports": [)" + port + "]}]}");
}
std::string judge_peer(const std::string& peer) {
  return judge(R"({"podSelector": {}, "egress": [{"to": [)" + peer + "]}]}");
}

PolicyPod pod_in(const std::string& namespace_, const std::string& app) {
  PolicyPod pod;
  pod.namespace_ = namespace_;
  pod.name = app;
  pod.labels = {{"app", app}};
  pod.ports = {{"http", 8080, 0, "", Protocol::tcp}};
  return pod;
}

KeyValues labels_of(const std::string& namespace_) {
  return {{"kubernetes.io/metadata.name", namespace_}};
}

}  // namespace

TEST_SUITE_BEGIN("pod/network_policy");

TEST_CASE("a policy isolates what its types say, else ingress, and egress where it has rules") {
  CHECK(read("{}").isolates_ingress);
  CHECK_FALSE(read("{}").isolates_egress);
  CHECK(read(R"({"egress": [{}]})").isolates_egress);
  CHECK(read(R"({"egress": [{}]})").isolates_ingress);
  CHECK_FALSE(read(R"({"egress": []})").isolates_egress);
  CHECK(read(R"({"policyTypes": ["Egress"]})").isolates_egress);
  CHECK_FALSE(read(R"({"policyTypes": ["Egress"]})").isolates_ingress);
}

TEST_CASE("it selects pods of its own namespace, an empty selector all of them") {
  const auto some = read(R"({"podSelector": {"matchLabels": {"app": "db"}}})");
  CHECK(selects(some, "shop", pod_in("shop", "db")));
  CHECK_FALSE(selects(some, "shop", pod_in("shop", "web")));
  CHECK_FALSE(selects(some, "shop", pod_in("other", "db")));
  CHECK(selects(read("{}"), "shop", pod_in("shop", "web")));
}

TEST_CASE("peers: pods of the namespace, of other namespaces, or both at once") {
  const auto peer = [](const std::string& text) {
    return read(R"({"ingress": [{"from": [)" + text + "]}]}").ingress.at(0).peers.at(0);
  };
  const auto web = peer(R"({"podSelector": {"matchLabels": {"app": "web"}}})");
  CHECK(matches(web, "shop", pod_in("shop", "web"), labels_of));
  CHECK_FALSE(matches(web, "shop", pod_in("other", "web"), labels_of));
  const auto space =
      peer(R"({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "other"}}})");
  CHECK(matches(space, "shop", pod_in("other", "any"), labels_of));
  CHECK_FALSE(matches(space, "shop", pod_in("shop", "any"), labels_of));
  const auto both = peer(R"({"namespaceSelector": {}, "podSelector": {"matchExpressions":
      [{"key": "app", "operator": "NotIn", "values": ["web"]}]}})");
  CHECK(matches(both, "shop", pod_in("other", "db"), labels_of));
  CHECK_FALSE(matches(both, "shop", pod_in("other", "web"), labels_of));
  const auto block = peer(R"({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}})");
  CHECK_FALSE(matches(block, "shop", pod_in("shop", "web"), labels_of));
  CHECK(block.block == "10.0.0.0/8");
  CHECK(block.except == std::vector<std::string>{"10.1.0.0/16"});
}

TEST_CASE("a port by name is the one that the pod calls so, with that protocol") {
  const auto ports =
      read(R"({"ingress": [{"ports": [{"port": "http"}, {"port": "http", "protocol": "UDP"},
               {"port": 80, "endPort": 90}]}]})")
          .ingress.at(0)
          .ports;
  CHECK(named_port(ports.at(0), pod_in("shop", "web")) == 8080);
  CHECK(named_port(ports.at(1), pod_in("shop", "web")) == 0);
  CHECK(named_port(ports.at(2), pod_in("shop", "web")) == 0);
  CHECK(ports.at(2).last == 90);
  CHECK(named_port({Protocol::udp, {0, "dns"}, 0}, resolver_pod()) == resolver_port);
}

TEST_CASE("what is stored of a policy says what it was made of") {
  const auto node = test::read_json(R"({"metadata": {"name": "p"}, "spec": {
      "podSelector": {"matchLabels": {"app": "db"}}, "policyTypes": ["Ingress", "Egress"],
      "ingress": [{"from": [{"podSelector": {}}, {"ipBlock": {"cidr": "fd00::/8",
      "except": ["fd01::/16"]}}], "ports": [{"port": 80, "endPort": 90}, {"port": "http"}]}],
      "egress": [{"to": [{"namespaceSelector": {}}], "ports": [{"protocol": "UDP"}]}]}})");
  const auto object = decode_object(node, ObjectKind::network_policy);
  const auto text = to_json(object_node(object));
  CHECK(text ==
        to_json(object_node(decode_object(object_node(object), ObjectKind::network_policy))));
  CHECK(text.find(R"("apiVersion":"networking.k8s.io/v1")") != std::string::npos);
  CHECK(text.find(R"({"podSelector":{}})") != std::string::npos);
}

// Fields: NetworkPolicySpec.policyTypes IPBlock.except NetworkPolicyPort.protocol
TEST_CASE("Kubernetes' rules for policies, and SCTP is refused") {
  CHECK(judge(R"({"podSelector": {}})").empty());
  CHECK(judge(R"({"podSelector": {}, "policyTypes": ["Both"]})") ==
        "spec.policyTypes[0]: Unsupported value: \"Both\": supported values: \"Egress\", "
        "\"Ingress\"\n");
  CHECK(judge(R"({"podSelector": {}, "policyTypes": ["Egress", "Egress", "Ingress"]})")
            .find("may not specify more than two policyTypes") != std::string::npos);
  CHECK(judge_port(R"({"port": 80, "endPort": 90})").empty());
  CHECK(judge_port(R"({"port": 80, "endPort": 70})")
            .find("must be greater than or equal to `port`") != std::string::npos);
  CHECK(judge_port(R"({"port": "http", "endPort": 70})")
            .find("may not be specified when `port` is non-numeric") != std::string::npos);
  CHECK(
      judge_port(R"({"endPort": 70})").find("may not be specified when `port` is not specified") !=
      std::string::npos);
  CHECK_FALSE(judge_port(R"({"port": 0})").empty());
  CHECK_FALSE(judge_port(R"({"port": "UPPER_CASE"})").empty());
  CHECK(
      judge_port(R"({"protocol": "ICMP"})").find("supported values: \"SCTP\", \"TCP\", \"UDP\"") !=
      std::string::npos);
  CHECK(judge_port(R"({"protocol": "SCTP"})").find("not supported by pausa") != std::string::npos);
  CHECK(judge_peer("{}") == "spec.egress[0].to[0]: Required value: must specify a peer\n");
  CHECK(judge_peer(R"({"podSelector": {}, "ipBlock": {"cidr": "10.0.0.0/8"}})") ==
        "spec.egress[0].to[0]: Forbidden: may not specify both ipBlock and another peer\n");
  CHECK(judge_peer(R"({"ipBlock": {}})") == "spec.egress[0].to[0].ipBlock.cidr: Required value\n");
  CHECK(judge_peer(R"({"ipBlock": {"cidr": "10.0.0.0"}})").find("must be a valid CIDR value") !=
        std::string::npos);
  CHECK(judge_peer(R"({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8"]}})")
            .find("must be a strict subset of `cidr`") != std::string::npos);
  CHECK(judge_peer(R"({"ipBlock": {"cidr": "fd00::/8", "except": ["fd01::/16"]}})").empty());
  CHECK_FALSE(judge_peer(R"({"podSelector": {"matchLabels": {"a b": "c"}}})").empty());
}

TEST_CASE("ranges of addresses hold what they hold") {
  const auto holds = [](const char* range, const char* other) {
    return parse_ip_block(range)->contains(*parse_ip_block(other));
  };
  CHECK(holds("10.0.0.0/8", "10.255.0.0/16"));
  CHECK_FALSE(holds("10.0.0.0/16", "10.1.0.0/24"));
  CHECK(holds("0.0.0.0/0", "192.0.2.1/32"));
  CHECK(holds("2001:db8::/33", "2001:db8:7fff::1/128"));
  CHECK_FALSE(holds("2001:db8::/33", "2001:db8:8000::1/128"));
  CHECK_FALSE(holds("::/0", "10.0.0.0/8"));
  for (const char* bad : {"", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0/8", "::/129", "::/08",
                          "10.0.0.0/-1", "::ffff:1.2.3.4/96", "x/8"})
    CHECK_FALSE(parse_ip_block(bad));
}

TEST_SUITE_END();
