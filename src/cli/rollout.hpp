// All that a manifest names on its way into the world, as one: pods that nothing orders go at the
// same time, and when one of them cannot be set up all is taken back: what was made is removed,
// what was changed goes back to what it was. A container that ends by itself is no such failure.
#pragma once

#include "cli/plan_set.hpp"
#include "cli/procession.hpp"
#include "cli/wait_pod.hpp"
#include "state/journal.hpp"

#include <vector>

namespace pausa::cli {

struct RolloutResult {
  int code = 0;                   // the exit code
  bool taken_back = false;        // nothing of it is there
  std::vector<state::PodKey> up;  // all of whose containers have run, in the manifest's order
};

// Returns when all pods have run. Prints on stderr what goes wrong and, unless quiet, what becomes
// of pods that run. At the deadline all stays as it is. kept: image::Library::keep_all(), let go
// when records name the images.
RolloutResult roll_out(const state::Store& store, std::vector<ObjectPlan> objects,
                       std::vector<WantedPod> pods, sys::UniqueFd kept, const Patience& patience);

// Brings back what a journal tells. Goes on after failures, which are told on stderr. False: there
// were some.
bool take_back(const state::Store& store, const state::Journal& journal);

// Takes back what was begun by an `up` that was killed. Costs one system call when there is none.
void take_back_abandoned(const state::Store& store);

}  // namespace pausa::cli
