#include "pod/network_policy.hpp"

#include "pod/decode_parts.hpp"

#include <algorithm>
#include <array>

namespace pausa::pod {
namespace {

constexpr std::array<std::pair<std::string_view, Protocol>, 3> protocols = {
    {{"TCP", Protocol::tcp}, {"UDP", Protocol::udp}, {"SCTP", Protocol::sctp}}};

PolicyPort decode_port(const Node& node) {
  PolicyPort port;
  get_word(node, "protocol", protocols, port.protocol);
  get_integer(node, "port", port.port.number);
  get(node, "port", port.port.name);
  get_integer(node, "endPort", port.last);
  return port;
}

PolicyPeer decode_peer(const Node& node) {
  PolicyPeer peer;
  in_map(node, "podSelector",
         [&peer](const Node& selector) { peer.pods = decode_label_selector(selector); });
  in_map(node, "namespaceSelector",
         [&peer](const Node& selector) { peer.namespaces = decode_label_selector(selector); });
  in_map(node, "ipBlock", [&peer](const Node& block) {
    get(block, "cidr", peer.block);
    get(block, "except", peer.except);
  });
  return peer;
}

std::vector<PolicyRule> decode_rules(const Node& spec, std::string_view key,
                                     std::string_view peers) {
  std::vector<PolicyRule> rules;
  each(spec, key, [&](const Node& node) {
    auto& rule = rules.emplace_back();
    each(node, "ports", [&rule](const Node& port) { rule.ports.push_back(decode_port(port)); });
    each(node, peers, [&rule](const Node& peer) { rule.peers.push_back(decode_peer(peer)); });
  });
  return rules;
}

Node port_node(const PolicyPort& port) {
  Node node = Node::make_map();
  for (const auto& [word, protocol] : protocols)
    if (protocol == port.protocol) node.set("protocol", Node::make_string(std::string(word)));
  if (!port.port.name.empty())
    node.set("port", Node::make_string(port.port.name));
  else if (port.port.number != 0)
    node.set("port", Node::make_integer(port.port.number));
  if (port.last != 0) node.set("endPort", Node::make_integer(port.last));
  return node;
}

Node peer_node(const PolicyPeer& peer) {
  Node node = Node::make_map();
  if (peer.pods) node.set("podSelector", label_selector_node(*peer.pods));
  if (peer.namespaces) node.set("namespaceSelector", label_selector_node(*peer.namespaces));
  if (peer.block.empty()) return node;
  Node& block = node.set("ipBlock");
  block.set("cidr", Node::make_string(peer.block));
  if (peer.except.empty()) return node;
  Node except = Node::make_list();
  for (const auto& range : peer.except) except.push(Node::make_string(range));
  block.set("except", std::move(except));
  return node;
}

Node rules_node(const std::vector<PolicyRule>& rules, const std::string& peers_key) {
  Node list = Node::make_list();
  for (const auto& rule : rules) {
    Node node = Node::make_map();
    if (!rule.peers.empty()) {
      Node peers = Node::make_list();
      for (const auto& peer : rule.peers) peers.push(peer_node(peer));
      node.set(peers_key, std::move(peers));
    }
    if (!rule.ports.empty()) {
      Node ports = Node::make_list();
      for (const auto& port : rule.ports) ports.push(port_node(port));
      node.set("ports", std::move(ports));
    }
    list.push(std::move(node));
  }
  return list;
}

}  // namespace

NetworkPolicy decode_network_policy(const Node& spec) {
  NetworkPolicy out;
  in_map(spec, "podSelector",
         [&out](const Node& selector) { out.pods = decode_label_selector(selector); });
  out.ingress = decode_rules(spec, "ingress", "from");
  out.egress = decode_rules(spec, "egress", "to");
  std::vector<std::string> types;
  get(spec, "policyTypes", types);
  const auto has = [&types](std::string_view type) {
    return std::find(types.begin(), types.end(), type) != types.end();
  };
  out.isolates_ingress = types.empty() || has("Ingress");
  out.isolates_egress = types.empty() ? !out.egress.empty() : has("Egress");
  return out;
}

void add_network_policy(const NetworkPolicy& policy, Node& object) {
  Node& spec = object.set("spec");
  spec.set("podSelector", label_selector_node(policy.pods));
  Node types = Node::make_list();
  if (policy.isolates_ingress) types.push(Node::make_string("Ingress"));
  if (policy.isolates_egress) types.push(Node::make_string("Egress"));
  spec.set("policyTypes", std::move(types));
  if (!policy.ingress.empty()) spec.set("ingress", rules_node(policy.ingress, "from"));
  if (!policy.egress.empty()) spec.set("egress", rules_node(policy.egress, "to"));
}

bool selects(const NetworkPolicy& policy, const std::string& policy_namespace,
             const PolicyPod& pod) {
  return pod.namespace_ == policy_namespace && policy.pods.matches(pod.labels);
}

bool matches(const PolicyPeer& peer, const std::string& policy_namespace, const PolicyPod& pod,
             const NamespaceLabels& namespaces) {
  if (!peer.block.empty()) return false;
  if (peer.namespaces ? !peer.namespaces->matches(namespaces(pod.namespace_))
                      : pod.namespace_ != policy_namespace)
    return false;
  return !peer.pods || peer.pods->matches(pod.labels);
}

std::uint16_t named_port(const PolicyPort& port, const PolicyPod& pod) {
  return pod.port_called(port.port.name, port.protocol);
}

PolicyPod resolver_pod() {
  PolicyPod pod;
  pod.namespace_ = "kube-system";
  pod.name = "kube-dns";
  pod.labels = {{"k8s-app", "kube-dns"}};
  ContainerPort port;
  port.container_port = resolver_port;
  port.name = "dns-tcp";
  pod.ports.push_back(port);
  port.name = "dns";
  port.protocol = Protocol::udp;
  pod.ports.push_back(port);
  return pod;
}

}  // namespace pausa::pod
