// Ending pods: through their supervisor when they have one, by ourselves when nothing is left that
// runs.
#pragma once

#include "state/store.hpp"

#include <chrono>
#include <optional>
#include <vector>

namespace pausa::cli {

// Stops the pod and, with `remove`, removes everything of it. Without a grace the manifest's holds.
// False when there was no such pod. Throws sys::Error with what could not be ended.
bool end_pod(const state::Store& store, const state::PodKey& key, bool remove,
             std::optional<std::chrono::milliseconds> grace);

// Removes a pod whose record cannot be read: through its supervisor, which knows better, or else
// what the record's text and the folders tell. False when the record can be read.
bool end_damaged(const state::Store& store, const state::PodKey& key);

// The same for several pods at once: it takes as long as the slowest of them. Prints "pod/NAME" for
// each that was there, unless told to be quiet, and on stderr why one could not be ended; returns
// the exit code.
int end_pods(const state::Store& store, const std::vector<state::PodKey>& keys, bool remove,
             std::optional<std::chrono::milliseconds> grace, bool quiet = false);

// Removes a pod in which nothing runs, or which is of an earlier boot. False: it is none, or
// somebody is at work on it. Throws sys::Error.
bool remove_ended(const state::Store& store, const state::PodKey& key);

// Whether there is anything of this pod.
bool pod_exists(const state::Store& store, const state::PodKey& key);

}  // namespace pausa::cli
