// A validated Pod object to pod::Pod, with the defaults of Kubernetes and ours (spec.hpp names
// them). Fields that this version honours; that the others are refused or noted is validation's
// work. Pure.
#pragma once

#include "pod/diagnostic.hpp"
#include "pod/node.hpp"
#include "pod/spec.hpp"

namespace pausa::pod {

// pod must have passed validation without errors; of one that has not, wrong parts read as unset.
// Faults of our own annotations (pausa/…) are added to findings, with marks and paths, no file.
Pod decode_pod(const Node& pod, Diagnostics& findings);
// An ephemeral container, which is added to a pod that runs.
Container decode_ephemeral(const Node& container);

}  // namespace pausa::pod
