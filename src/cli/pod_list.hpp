// The pods of this machine for `ps`, with what one line tells of each. A pod that has a record
// costs one file and the look at one process; only where a supervisor is found dead is anything
// done about it.
#pragma once

#include "pod/conditions.hpp"
#include "pod/short_status.hpp"
#include "state/store.hpp"

#include <optional>
#include <string>
#include <vector>

namespace pausa::cli {

struct PodEntry {
  state::PodKey key;
  std::optional<state::Record> record;  // none: known from its data only
  bool ended = false;                   // nothing of it runs, and nothing will by itself
  std::string status;                   // "Running", "Init:0/2", "Stopped", …
  std::size_t ready = 0;
  std::size_t containers = 0;  // without init containers
  pod::Restarts restarts;
};

PodEntry entry_of(state::Record record);

// Sorted by namespace and name. `ended`: also pods that ended and those without a record of this
// boot. What cannot be read is told in `troubles` and left out.
std::vector<PodEntry> list_pods(const state::Store& store, bool ended,
                                std::vector<std::string>& troubles);

}  // namespace pausa::cli
