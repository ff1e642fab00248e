// Ending pods: through their supervisor when they have one, by ourselves when nothing is left that
// runs.
#pragma once

#include "state/store.hpp"

#include <chrono>
#include <optional>

namespace pausa::cli {

// Stops the pod and, with `remove`, removes everything of it. Without a grace the manifest's holds.
// False when there was no such pod. Throws sys::Error with what could not be ended.
bool end_pod(const state::Store& store, const state::PodKey& key, bool remove,
             std::optional<std::chrono::milliseconds> grace);

}  // namespace pausa::cli
