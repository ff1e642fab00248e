// What can be said of a pod with yes or no: whether its containers are ready, and its conditions as
// Kubernetes tells them. Pure.
#pragma once

#include "pod/lifecycle.hpp"
#include "pod/spec.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace pausa::pod {

// Not running yet for people: it is made, or its postStart hook is not through.
bool starting(const ContainerState& container);
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

struct Condition {
  std::string_view type;  // of a gate: the state's
  bool holds = false;
  WallTime since{0};
  std::string reason;
  std::string message;
};

// In the order in which Kubernetes lists them, then what others have set.
std::vector<Condition> conditions(const Pod& pod, const PodState& state, WallTime created);

}  // namespace pausa::pod
