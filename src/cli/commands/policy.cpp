#include "cli/commands/commands.hpp"
#include "cli/object_view.hpp"
#include "cli/options.hpp"
#include "supervisor/policies.hpp"

#include <memory>

namespace pausa::cli {
namespace {

using pod::Node;
using pod::Object;
using pod::ObjectKind;
using Pods = std::vector<supervisor::PolicyPodSeen>;

constexpr Option table[]{{"output,o", "FORMAT", "table (describe: text), json, yaml or name"},
                         {"namespace,n", "NAME", "the policies' namespace"}};

// As kubectl writes it: app=web,tier in (a,b),!old.
std::string selector_text(const pod::LabelSelector& selector, const std::string& everything) {
  std::vector<std::string> words;
  for (const auto& [key, value] : selector.match_labels) words.push_back(key + "=" + value);
  for (const auto& rule : selector.match_expressions) {
    using Operator = pod::LabelRule::Operator;
    const std::string values = "(" + joined(rule.values, "") + ")";
    words.push_back(rule.op == Operator::in       ? rule.key + " in " + values
                    : rule.op == Operator::not_in ? rule.key + " notin " + values
                    : rule.op == Operator::exists ? rule.key
                                                  : "!" + rule.key);
  }
  return joined(words, everything);
}

std::string types_text(const pod::NetworkPolicy& policy) {
  std::vector<std::string> words;
  if (policy.isolates_ingress) words.emplace_back("Ingress");
  if (policy.isolates_egress) words.emplace_back("Egress");
  return joined(words, "none");
}

std::vector<std::string> guarded(const Object& object, const Pods& pods) {
  std::vector<std::string> names;
  for (const auto& seen : pods)
    if (!seen.host_network && pod::selects(*object.policy, object.metadata.namespace_, seen.pod))
      names.push_back(seen.pod.name);
  return names;
}

std::string port_text(const pod::PolicyPort& port) {
  std::string text = port.port.number != 0     ? std::to_string(port.port.number)
                     : !port.port.name.empty() ? port.port.name
                                               : "any port";
  if (port.last != 0) text += "-" + std::to_string(port.last);
  return text + (port.protocol == pod::Protocol::udp ? "/UDP" : "/TCP");
}

std::string peer_text(const pod::PolicyPeer& peer) {
  if (!peer.block.empty()) {
    std::string text = peer.block;
    for (const auto& except : peer.except) text += " except " + except;
    return text;
  }
  std::string text = "pods " + (peer.pods ? selector_text(*peer.pods, "(all)") : "(all)");
  if (peer.namespaces) text += " of namespaces " + selector_text(*peer.namespaces, "(all)");
  return text;
}

std::string rules_text(const std::string& heading, const std::vector<pod::PolicyRule>& rules,
                       bool isolates, const std::string& preposition) {
  if (!isolates) return heading + "not isolated\n";
  if (rules.empty()) return heading + "nothing\n";
  std::string text;
  for (const auto& rule : rules) {
    std::vector<std::string> ports;
    for (const auto& port : rule.ports) ports.push_back(port_text(port));
    const std::string what = joined(ports, "everything");
    if (rule.peers.empty()) text += heading + what + " " + preposition + " everybody\n";
    for (const auto& peer : rule.peers)
      text += heading + what + " " + preposition + " " + peer_text(peer) + "\n";
  }
  return text;
}

std::string description(const Object& object, const Pods& pods) {
  const auto& policy = *object.policy;
  return "name       " + object.metadata.name + "\nnamespace  " + object.metadata.namespace_ +
         "\nselector   " + selector_text(policy.pods, "(all pods)") + "\ntypes      " +
         types_text(policy) + "\n" +
         rules_text("ingress    ", policy.ingress, policy.isolates_ingress, "from") +
         rules_text("egress     ", policy.egress, policy.isolates_egress, "to") + "pods       " +
         joined(guarded(object, pods), "none") + "\n";
}

Node policy_node(const Object& object, const Pods& pods) {
  Node node = pod::object_node(object);
  Node names = Node::make_list();
  for (const auto& name : guarded(object, pods)) names.push(Node::make_string(name));
  node.set("pausa").set("pods", std::move(names));
  return node;
}

ObjectView look(const state::Store& store) {
  const auto pods = std::make_shared<const Pods>(supervisor::policy_pods(store));
  return {ObjectKind::network_policy,
          "NetworkPolicy",
          {"NAME", "NAMESPACE", "POD-SELECTOR", "TYPES", "PODS"},
          [pods](const Object& policy) {
            return ShownObject{{policy.metadata.name, policy.metadata.namespace_,
                                selector_text(policy.policy->pods, "(all)"),
                                types_text(*policy.policy), joined(guarded(policy, *pods), "-")},
                               policy_node(policy, *pods)};
          },
          [pods](const Object& policy) { return description(policy, *pods); }};
}

}  // namespace

std::string policy_options() {
  return options_help(table);
}

int run_policy(const Arguments& arguments) {
  return run_object_verb("policy", Options(table, arguments), look);
}

}  // namespace pausa::cli
