// A pod's history as a whole.
#pragma once

#include "state/event.hpp"
#include "state/store.hpp"

#include <vector>

namespace pausa::cli {

// The oldest first; none when nothing was written. Throws sys::Error.
std::vector<state::Event> read_events(const state::Store& store, const state::PodKey& key);

}  // namespace pausa::cli
