// What a command is told to act on: POD or POD/CONTAINER, in a namespace (-n, PAUSA_NAMESPACE,
// else "default"; NAMESPACE is a label, nothing of the kernel's).
#pragma once

#include "state/store.hpp"
#include "sys/error.hpp"

#include <optional>
#include <string>
#include <vector>

namespace pausa::cli {

struct Target {
  state::PodKey key;
  std::string container;  // empty: the whole pod, or its default container
};

// PAUSA_NAMESPACE, else "default".
std::string default_namespace();

// Accepts "pod/NAME" and "pods/NAME" too. Throws UsageError for an empty part.
Target parse_target(const std::string& word, const std::optional<std::string>& namespace_);

// The pod's record with its supervisor alive: a dead one is replaced first (reconcile on touch).
// Throws NoSuchObject.
state::Record find_pod(const state::Store& store, const state::PodKey& key);

// The same for every pod that there is.
std::vector<state::Record> all_pods(const state::Store& store);

// Makes sure that somebody supervises a pod that should run. Returns the record as it is then.
state::Record revive(const state::Store& store, state::Record record);

// Somebody else has had the pod's lock for too long.
sys::Error busy_pod(const state::PodKey& key);

// The index of the container in the record: the one named, else the default one (the annotation
// kubectl.kubernetes.io/default-container, else the first that is no init container).
std::size_t pick_container(const state::Store& store, const state::Record& record,
                           const std::string& name);

}  // namespace pausa::cli
