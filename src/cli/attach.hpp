// Staying with pods that were started: their logs on our stdout until they have ended, and an
// interrupt ends them.
#pragma once

#include "cli/log_view.hpp"
#include "cli/signals.hpp"
#include "state/store.hpp"

#include <vector>

namespace pausa::cli {

// Returns when all have ended: the exit code of the first that failed, else 0. At SIGINT or SIGTERM
// they are stopped and removed (at the second one without a grace), and the code is 130. Progress
// goes to stderr unless quiet.
// jobs: Jobs whose pods are followed as they come; one that has failed counts as exit code 1.
int attach(const state::Store& store, const std::vector<state::PodKey>& pods, Signals& signals,
           LogStyle style, bool quiet, const std::vector<state::PodKey>& jobs = {});

}  // namespace pausa::cli
