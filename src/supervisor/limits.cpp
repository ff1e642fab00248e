#include "supervisor/limits.hpp"

#include <algorithm>

namespace pausa::supervisor {
namespace {

constexpr std::int64_t container_pids = 2048;
constexpr std::int64_t pod_pids = 4096;

using Field = std::optional<std::int64_t> pod::Resources::*;

// What all containers together can use at most, if each has a limit: sidecars run beside the
// others, a plain init container beside the sidecars before it (Kubernetes' rule).
std::optional<std::int64_t> total(const pod::Spec& spec, Field field) {
  std::int64_t sidecars = 0;
  std::int64_t most = 0;
  for (const auto& container : spec.init_containers) {
    if (!(container.resources.*field)) return std::nullopt;
    const auto amount = *(container.resources.*field);
    if (container.restart == pod::ContainerRestart::always) sidecars += amount;
    most = std::max(
        most, container.restart == pod::ContainerRestart::always ? sidecars : sidecars + amount);
  }
  std::int64_t sum = sidecars;
  for (const auto& container : spec.containers) {
    if (!(container.resources.*field)) return std::nullopt;
    sum += *(container.resources.*field);
  }
  return std::max(most, sum);
}

}  // namespace

cgroup::Limits container_limits(const pod::Container& container) {
  cgroup::Limits limits;
  limits.memory_bytes = container.resources.limit_memory_bytes;
  limits.cpu_milli = container.resources.limit_cpu_milli;
  limits.cpu_shares_milli = container.resources.request_cpu_milli;
  limits.pids = container_pids;
  limits.oom_ends_all = container.resources.limit_memory_bytes.has_value();
  return limits;
}

cgroup::Limits pod_limits(const pod::Spec& spec) {
  const auto of_pod = [&spec](Field field) {
    return spec.resources.*field ? spec.resources.*field : total(spec, field);
  };
  cgroup::Limits limits;
  limits.memory_bytes = of_pod(&pod::Resources::limit_memory_bytes);
  limits.cpu_milli = of_pod(&pod::Resources::limit_cpu_milli);
  limits.cpu_shares_milli = spec.resources.request_cpu_milli;
  limits.pids = pod_pids;
  return limits;
}

cgroup::Limits keepable(const cgroup::Hierarchy& cgroups, cgroup::Limits limits) {
  if (!cgroups.has(cgroup::Controller::pids)) limits.pids.reset();
  if (!cgroups.has(cgroup::Controller::cpu)) limits.cpu_shares_milli.reset();
  return limits;
}

std::optional<std::string> why_no_limits(const cgroup::Hierarchy& cgroups, const pod::Spec& spec) {
  for (const auto* list : {&spec.init_containers, &spec.containers})
    for (const auto& container : *list) {
      const auto limits = keepable(cgroups, container_limits(container));
      if (auto why = cgroups.why_not(limits)) return "container " + container.name + ": " + *why;
    }
  return cgroups.why_not(keepable(cgroups, pod_limits(spec)));
}

}  // namespace pausa::supervisor
