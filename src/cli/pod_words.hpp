// The pods that a verb is told to act on: its words, or all of them.
#pragma once

#include "cli/options.hpp"
#include "cli/target.hpp"

#include <string>
#include <vector>

namespace pausa::cli {

// The words as targets, in their order; with --all every pod. Throws UsageError when there is
// nothing to act on.
std::vector<Target> targets_from(const Options& options, const state::Store& store,
                                 const std::string& verb);

// The same for verbs that know only whole pods.
std::vector<state::PodKey> pods_from(const Options& options, const state::Store& store,
                                     const std::string& verb);

// Every pod that there is, also those whose records are damaged.
std::vector<state::PodKey> every_pod(const state::Store& store);

// Says on stderr of each why it cannot be read; the exit code for that.
int tell_damaged(const std::vector<state::Damaged>& damaged);

// Leaves out what is not there, with a word on stderr; the exit code for that.
int drop_absent(const state::Store& store, std::vector<state::PodKey>& keys);

// --timeout or --grace as the control socket wants it.
std::optional<std::chrono::milliseconds> grace_from(const Options& options);

}  // namespace pausa::cli
