// A NetworkPolicy: who may reach the pods that it selects, and whom they may reach. Pure values and
// decisions; net/policy makes the rules of them.
#pragma once

#include "pod/label_selector.hpp"
#include "pod/node.hpp"
#include "pod/selected_pod.hpp"
#include "pod/spec.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace pausa::pod {

struct PolicyPort {
  Protocol protocol = Protocol::tcp;
  PortRef port;            // unset: every one
  std::uint16_t last = 0;  // of a range that begins with it; 0: that one only
};

// Pods by label, or a range of addresses.
struct PolicyPeer {
  std::optional<LabelSelector> pods;        // unset: all of the namespaces
  std::optional<LabelSelector> namespaces;  // unset: the policy's own
  std::string block;                        // "10.0.0.0/8"; empty: pods
  std::vector<std::string> except;
};

// No peer is everybody, no port is all of them and all protocols.
struct PolicyRule {
  std::vector<PolicyPeer> peers;
  std::vector<PolicyPort> ports;
};

struct NetworkPolicy {
  LabelSelector pods;
  bool isolates_ingress = true;
  bool isolates_egress = false;
  std::vector<PolicyRule> ingress;
  std::vector<PolicyRule> egress;
};

NetworkPolicy decode_network_policy(const Node& spec);
void add_network_policy(const NetworkPolicy& policy, Node& object);

using PolicyPod = SelectedPod;

// The labels of a namespace.
using NamespaceLabels = std::function<KeyValues(const std::string& namespace_)>;

bool selects(const NetworkPolicy& policy, const std::string& policy_namespace,
             const PolicyPod& pod);
// Never of a range of addresses.
bool matches(const PolicyPeer& peer, const std::string& policy_namespace, const PolicyPod& pod,
             const NamespaceLabels& namespaces);
// The port of that pod that a rule means; 0: none, or not one by name.
std::uint16_t named_port(const PolicyPort& port, const PolicyPod& pod);

// Whoever answers for names is this pod to policies, as in a cluster.
PolicyPod resolver_pod();
inline constexpr std::uint16_t resolver_port = 53;

}  // namespace pausa::pod
