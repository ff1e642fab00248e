// A pod's state in Kubernetes' words: the Pod object with the `status` that `kubectl get -o json`
// would print, and the short words of `kubectl get pods`. Pure.
#pragma once

#include "pod/lifecycle.hpp"
#include "pod/node.hpp"
#include "pod/spec.hpp"

#include <cstddef>
#include <string>
#include <string_view>
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

// Whether a container counts as ready: one without a readiness probe when it is up.
bool ready(const ContainerState& container);
// The pod's condition Ready: all containers, and what its readinessGates name.
bool pod_is_ready(const Pod& pod, const PodState& state);
// How many containers are ready, of how many that could be: sidecars and those after the init
// containers.
struct Count {
  std::size_t ready = 0;
  std::size_t all = 0;
};
Count ready_count(const PodState& state, std::size_t init_count);

// "Guaranteed", "Burstable" or "BestEffort", by the requests and limits of all containers.
std::string_view qos_class(const Spec& spec);

// The STATUS of `kubectl get pods`: "Running", "Init:0/2", "CrashLoopBackOff", "OOMKilled", …
std::string short_status(const PodState& state, std::size_t init_count);

// Restarts of all containers, and when the last of the ended instances ended (0: none did).
struct Restarts {
  std::uint64_t count = 0;
  WallTime last{0};
};
Restarts restarts(const PodState& state);

// An age as kubectl writes it: "45s", "3m20s", "26h", "12d", "2y30d".
std::string age_text(std::chrono::nanoseconds age);

}  // namespace pausa::pod
