// The class of service of a pod. Pure.
#pragma once

#include "pod/spec.hpp"

#include <string_view>

namespace pausa::pod {

// "Guaranteed", "Burstable" or "BestEffort", by the requests and limits of all containers.
std::string_view qos_class(const Spec& spec);

}  // namespace pausa::pod
