// NetworkPolicies as they stand: what is stored of them, and the pods that they select, made into
// rules (net/policy.hpp).
#pragma once

#include "pod/network_policy.hpp"
#include "pod/object.hpp"
#include "state/store.hpp"
#include "supervisor/user_network.hpp"

#include <string>
#include <vector>

namespace pausa::supervisor {

// A pod of this boot, as policies see it.
struct PolicyPodSeen {
  pod::PolicyPod pod;
  std::string uid;
  std::string interface;               // on the bridge; empty: it is on none
  std::vector<std::string> addresses;  // of its own; none with the host's network
  bool host_network = false;
};
std::vector<PolicyPodSeen> policy_pods(const state::Store& store);
std::vector<pod::Object> all_policies(const state::Store& store);

// Reads all policies and pods and makes the rules what follows from them; does nothing where they
// say so already, or where there has never been a policy. `user`: the network of the user's pods,
// where the caller has it. Throws sys::Error: then they may say something else.
void sync_policies(const state::Store& store, const UserNetwork* user = nullptr);

// Whether there are any, or rules of any.
bool has_policies(const state::Store& store);
// For a pod that is about to start, whose record and manifest are written: as above. What policies
// cannot do for it, for people; mostly empty.
std::string guard_pod(const state::Store& store, const state::PodKey& key, const UserNetwork& user);

}  // namespace pausa::supervisor
