// A pod's state in Kubernetes' words: the Pod object with the `status` that `kubectl get -o json`
// would print. Pure.
#pragma once

#include "pod/conditions.hpp"
#include "pod/lifecycle.hpp"
#include "pod/node.hpp"
#include "pod/spec.hpp"

#include <string>
#include <vector>

namespace pausa::pod {

// What the object shows beside spec and state.
struct Identity {
  std::string uid;
  WallTime created{0};
  std::string node_name;              // empty: not told
  std::vector<std::string> host_ips;  // likewise
  std::vector<std::string> pod_ips;
  std::vector<std::string> image_ids;  // in the order of state.containers; may be shorter
};

// object: the Pod as given. pod: the same, decoded; as many containers as the state has.
Node pod_object(const Node& object, const Pod& pod, const PodState& state,
                const Identity& identity);

// The pod's `status` alone.
Node pod_status(const Pod& pod, const PodState& state, const Identity& identity);

}  // namespace pausa::pod
