#include "supervisor/policies.hpp"

#include "net/conntrack.hpp"
#include "net/pasta.hpp"
#include "net/policy.hpp"
#include "pod/decode.hpp"
#include "state/json_node.hpp"
#include "state/object_store.hpp"
#include "supervisor/in_network.hpp"
#include "supervisor/pod_network.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"
#include "sys/process.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <map>

namespace pausa::supervisor {
namespace {

constexpr std::uint16_t last_port = 65535;
constexpr const char* name_label = "kubernetes.io/metadata.name";

std::string words_of(const pod::Object& object) {
  return object.metadata.namespace_ + "/" + object.metadata.name;
}

bool is_range(const pod::PolicyPort& port) {
  return port.port.name.empty() && port.protocol != pod::Protocol::sctp;
}

net::PolicyPorts range_of(const pod::PolicyPort& port) {
  const bool udp = port.protocol == pod::Protocol::udp;
  if (port.port.number == 0) return {udp, 0, last_port};
  return {udp, port.port.number, std::max(port.last, port.port.number)};
}

// What the stored policies come to for the pods that there are.
class Compiler {
 public:
  Compiler(const state::Store& store, std::vector<pod::Object> policies,
           std::vector<PolicyPodSeen> pods, bool user)
      : objects_(store.paths()),
        policies_(std::move(policies)),
        pods_(std::move(pods)),
        bridges_(net::policy_bridges(store.paths().network())) {
    for (const auto& bridge : bridges_) {
      resolvers_.push_back(net::to_text(bridge.pool.v4_of(net::Pool::bridge_number)));
      if (const auto v6 = bridge.pool.v6_of(net::Pool::bridge_number))
        resolvers_.push_back(net::to_text(*v6));
    }
    if (user) resolvers_.emplace_back(net::pasta_name_server);
    guarded_.resize(pods_.size());
    for (const auto& policy : policies_) {
      if (policy.policy->isolates_ingress) add(policy, false);
      if (policy.policy->isolates_egress) add(policy, true);
    }
  }

  // Empty: there is nobody whom they would guard.
  std::string rules(const std::string& table) const {
    std::vector<net::PolicyPod> all;
    bool any = false;
    for (std::size_t i = 0; i < pods_.size(); ++i) {
      if (pods_[i].interface.empty()) continue;
      any = any || guarded_[i].is_guarded();
      auto& pod = all.emplace_back(guarded_[i]);
      pod.interface = pods_[i].interface;
      pod.addresses = pods_[i].addresses;
    }
    return any ? net::policy_rules(table, bridges_, chains_, all) : std::string();
  }

  // By the pod's uid.
  std::map<std::string, std::string> gates() {
    std::map<std::string, std::string> gates;
    for (const auto& seen : pods_) {
      if (seen.host_network) continue;
      for (const auto& policy : policies_) {
        if (!policy.policy->isolates_ingress || !selects(policy, seen)) continue;
        std::vector<net::PolicyAllow> allows;
        for (const auto& rule : policy.policy->ingress) {
          auto allow = allowed(rule, policy.metadata.namespace_);
          for (const auto& port : rule.ports)
            if (const auto number = pod::named_port(port, seen.pod); number != 0)
              allow.ports.push_back({port.protocol == pod::Protocol::udp, number, number});
          allows.push_back(std::move(allow));
        }
        gates[seen.uid] += net::gate_text(allows);
      }
    }
    return gates;
  }

 private:
  static bool selects(const pod::Object& policy, const PolicyPodSeen& seen) {
    return !seen.host_network && pod::selects(*policy.policy, policy.metadata.namespace_, seen.pod);
  }

  const pod::KeyValues& labels_of(const std::string& namespace_) {
    const auto [known, is_new] = namespaces_.try_emplace(namespace_);
    if (!is_new) return known->second;
    auto& labels = known->second;
    if (const auto object = objects_.find(pod::ObjectKind::namespace_, "", namespace_))
      labels = object->metadata.labels;
    std::erase_if(labels, [](const auto& label) { return label.first == name_label; });
    labels.emplace_back(name_label, namespace_);
    return labels;
  }

  bool is_peer(const pod::PolicyRule& rule, const std::string& space, const pod::PolicyPod& pod) {
    return std::any_of(rule.peers.begin(), rule.peers.end(), [&](const pod::PolicyPeer& peer) {
      return pod::matches(peer, space, pod,
                          [this](const std::string& name) { return labels_of(name); });
    });
  }

  // Without ports by name, which depend on who is reached.
  net::PolicyAllow allowed(const pod::PolicyRule& rule, const std::string& space) {
    net::PolicyAllow allow;
    allow.everybody = rule.peers.empty();
    for (const auto& peer : rule.peers)
      if (!peer.block.empty()) allow.blocks.push_back({peer.block, peer.except});
    for (std::size_t i = 0; i < pods_.size(); ++i) {
      if (pods_[i].addresses.empty() || !is_peer(rule, space, pods_[i].pod)) continue;
      allow.peers.insert(allow.peers.end(), pods_[i].addresses.begin(), pods_[i].addresses.end());
    }
    allow.every_port = rule.ports.empty();
    for (const auto& port : rule.ports)
      if (is_range(port)) allow.ports.push_back(range_of(port));
    return allow;
  }

  static void add_doors(const pod::PolicyRule& rule, const pod::PolicyPod& pod,
                        const std::vector<std::string>& addresses, net::PolicyAllow& allow) {
    for (const auto& port : rule.ports)
      if (const auto number = pod::named_port(port, pod); number != 0)
        for (const auto& address : addresses)
          allow.doors.push_back({address, port.protocol == pod::Protocol::udp, number});
  }

  // Whoever answers for names is on this machine's own address: that port and no other.
  void add_resolver(const pod::PolicyRule& rule, const std::string& space,
                    net::PolicyChain& chain) {
    const auto resolver = pod::resolver_pod();
    if (rule.peers.empty()) {
      add_doors(rule, resolver, resolvers_, chain.allows.back());
      return;
    }
    if (!is_peer(rule, space, resolver)) return;
    net::PolicyAllow allow;
    allow.peers = resolvers_;
    for (const bool udp : {false, true}) {
      const auto fits = [&](const pod::PolicyPort& port) {
        if ((port.protocol == pod::Protocol::udp) != udp) return false;
        if (pod::named_port(port, resolver) != 0) return true;
        if (!is_range(port)) return false;
        const auto range = range_of(port);
        return range.first <= pod::resolver_port && pod::resolver_port <= range.last;
      };
      if (rule.ports.empty() || std::any_of(rule.ports.begin(), rule.ports.end(), fits))
        allow.ports.push_back({udp, pod::resolver_port, pod::resolver_port});
    }
    chain.allows.push_back(std::move(allow));
  }

  void add(const pod::Object& object, bool egress) {
    const auto& policy = *object.policy;
    const auto& space = object.metadata.namespace_;
    std::vector<std::size_t> selected;
    for (std::size_t i = 0; i < pods_.size(); ++i)
      if (!pods_[i].interface.empty() && selects(object, pods_[i])) selected.push_back(i);
    if (selected.empty()) return;
    net::PolicyChain chain;
    chain.words = words_of(object) + (egress ? " egress" : " ingress");
    chain.egress = egress;
    for (const auto& rule : egress ? policy.egress : policy.ingress) {
      auto& allow = chain.allows.emplace_back(allowed(rule, space));
      for (std::size_t i = 0; i < pods_.size(); ++i) {
        const bool reached = egress
                                 ? rule.peers.empty() || is_peer(rule, space, pods_[i].pod)
                                 : std::find(selected.begin(), selected.end(), i) != selected.end();
        if (reached) add_doors(rule, pods_[i].pod, pods_[i].addresses, allow);
      }
      if (egress) add_resolver(rule, space, chain);
    }
    for (const auto i : selected) {
      auto& chains = egress ? guarded_[i].egress : guarded_[i].ingress;
      if (!chains) chains.emplace();
      chains->push_back(chains_.size());
    }
    chains_.push_back(std::move(chain));
  }

  state::ObjectStore objects_;
  std::vector<pod::Object> policies_;
  std::vector<PolicyPodSeen> pods_;
  std::vector<net::PolicyBridge> bridges_;
  std::vector<std::string> resolvers_;
  std::map<std::string, pod::KeyValues> namespaces_;
  std::vector<net::PolicyChain> chains_;
  std::vector<net::PolicyPod> guarded_;  // as pods_; without address
};

void write_gates(const std::string& folder, const std::map<std::string, std::string>& gates) {
  const auto dir = sys::make_dirs_at(AT_FDCWD, net::gate_path(folder, ""), 0700);
  for (const auto& [uid, text] : gates) sys::replace_file_at(dir.get(), uid, text, 0600);
  for (const auto& name : sys::list_dir(dir.get()))
    if (!gates.contains(name)) (void)::unlinkat(dir.get(), name.c_str(), 0);
}

PolicyPodSeen seen_pod(const state::Record& record, const pod::Pod& pod) {
  PolicyPodSeen seen;
  seen.pod.namespace_ = record.key.namespace_;
  seen.pod.name = record.key.name;
  seen.pod.labels = pod.metadata.labels;
  for (const auto* list : {&pod.spec.init_containers, &pod.spec.containers})
    for (const auto& container : *list)
      seen.pod.ports.insert(seen.pod.ports.end(), container.ports.begin(), container.ports.end());
  seen.uid = record.uid;
  seen.host_network = pod.spec.host_network;
  seen.addresses = addresses_of(record.network);
  if (!seen.addresses.empty()) seen.interface = record.network.veth;
  return seen;
}

}  // namespace

std::vector<PolicyPodSeen> policy_pods(const state::Store& store) {
  std::vector<PolicyPodSeen> pods;
  for (const auto& record : store.list()) {
    if (record.boot_id != sys::boot_id()) continue;
    const auto manifest = store.read_manifest(record.key);
    const auto node = manifest ? state::node_from_json(*manifest) : std::nullopt;
    if (!node) continue;
    pod::Diagnostics ignored;
    pods.push_back(seen_pod(record, pod::decode_pod(*node, ignored)));
  }
  return pods;
}

std::vector<pod::Object> all_policies(const state::Store& store) {
  return state::ObjectStore(store.paths()).list(pod::ObjectKind::network_policy);
}

bool has_policies(const state::Store& store) {
  return ::access(net::policies_folder(store.paths().network()).c_str(), F_OK) == 0 ||
         !all_policies(store).empty();
}

void sync_policies(const state::Store& store, const UserNetwork* user) {
  if (!has_policies(store)) return;
  const std::string folder = store.paths().network();
  const net::PoliciesLock lock(folder);
  const auto table = net::policies_table(folder);
  Compiler compiler(store, all_policies(store), policy_pods(store), ::geteuid() != 0);
  const auto gates = compiler.gates();
  const auto rules = compiler.rules(table);
  if (!gates.empty()) write_gates(folder, gates);
  in_network(store, user, "make the rules of NetworkPolicies", [&] {
    if (rules.empty())
      net::remove_policies(folder);
    else
      net::apply_policies(folder, rules);
  });
  // One who waits for the lock finds the folder gone, and makes it anew.
  if (rules.empty() && gates.empty())
    sys::remove_tree_at(AT_FDCWD, net::policies_folder(folder));
  else if (gates.empty())
    write_gates(folder, gates);
}

std::string guard_pod(const state::Store& store, const state::PodKey& key,
                      const UserNetwork& user) {
  sync_policies(store, &user);
  const auto policies = all_policies(store);
  std::string note;
  for (const auto& seen : policy_pods(store)) {
    if (seen.pod.name != key.name || seen.pod.namespace_ != key.namespace_) continue;
    // What was let through before, or prepared, is not taken for established.
    std::vector<net::Address> addresses;
    for (const auto& text : seen.addresses)
      if (const auto address = net::parse_address(text)) addresses.push_back(*address);
    if (!addresses.empty())
      in_network(store, &user, "forget connections",
                 [&] { (void)net::forget_flows_of(addresses); });
    if (!seen.host_network) continue;
    for (const auto& policy : policies)
      if (pod::selects(*policy.policy, policy.metadata.namespace_, seen.pod))
        note += (note.empty() ? "in the host's network nothing guards it, though it is selected by "
                                "NetworkPolicy "
                              : ", ") +
                policy.metadata.name;
  }
  return note;
}

}  // namespace pausa::supervisor
