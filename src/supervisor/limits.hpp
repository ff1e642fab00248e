// What the groups of a pod and its containers may use, by the manifest.
#pragma once

#include "cgroup/hierarchy.hpp"
#include "cgroup/limits.hpp"
#include "pod/spec.hpp"

#include <optional>
#include <string>

namespace pausa::supervisor {

// The limits of a container's group (and of the whole pod's).
cgroup::Limits container_limits(const pod::Container& container);
cgroup::Limits pod_limits(const pod::Spec& spec);
// Of those, what this machine can keep: our own limit of processes and the weight of a CPU request
// are left out where there is no controller for them.
cgroup::Limits keepable(const cgroup::Hierarchy& cgroups, cgroup::Limits limits);
// Why the limits of the manifest cannot be kept, and the way out; nullopt when they can.
std::optional<std::string> why_no_limits(const cgroup::Hierarchy& cgroups, const pod::Spec& spec);

}  // namespace pausa::supervisor
