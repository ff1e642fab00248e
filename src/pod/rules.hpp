// The API server's rules by subject, called in turn by kubernetes_validation(). Each looks at one
// part of the tree and adds what is wrong. Internal to the pod room.
#pragma once

#include "pod/names.hpp"
#include "pod/value.hpp"

namespace pausa::pod {

// Adds one "Invalid value" for each fault.
void add_faults(const Value& at, const Faults& faults, Findings& findings);

// metadata: names, labels, annotations, owners.
void check_metadata(const Value& pod, Findings& findings);
void check_labels(const Value& labels, Findings& findings);
void check_label_selector(const Value& selector, Findings& findings);

}  // namespace pausa::pod
