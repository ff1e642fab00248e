// Whether what a pod refers to is there: ConfigMaps, Secrets and their keys, claims. Pure.
#pragma once

#include "pod/diagnostic.hpp"
#include "pod/object.hpp"

#include <string>

namespace pausa::pod {

// A finding for each required object or key that the source lacks, at the place in the manifest
// that names it. The pod was validated.
Diagnostics check_references(const Node& pod, const std::string& namespace_,
                             const ObjectSource& source);

}  // namespace pausa::pod
