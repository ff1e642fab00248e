// The few words of `kubectl get pods` about a pod. Pure.
#pragma once

#include "pod/lifecycle.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace pausa::pod {

// The STATUS of `kubectl get pods`: "Running", "Init:0/2", "CrashLoopBackOff", "OOMKilled", …
std::string short_status(const PodState& state, std::size_t init_count);

// Restarts of all containers, and when the last of the ended instances ended (0: none did).
struct Restarts {
  std::uint64_t count = 0;
  WallTime last{0};
};
Restarts restarts(const PodState& state);

}  // namespace pausa::pod
