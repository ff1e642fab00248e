// Who keeps a Job going: a small process per Job that starts pods as others end, until the Job has
// finished. It is this program executed anew, without a terminal and without anything of the
// command that started it. It may be killed at any instant: all that it knows is on the disk before
// it acts on it, and the next command that looks at the Job starts another one.
#pragma once

#include "state/job_store.hpp"
#include "state/store.hpp"

namespace pausa::cli {

// Starts one for this Job, unless it has one.
void spawn_keeper(const state::Store& store, const state::PodKey& key);
// For every Job that should have one and has not. Costs one system call where there are no Jobs.
void revive_keepers(const state::Store& store);
// Ends the one of this Job, if there is any. Its pods live on. Throws sys::Error when it does not
// die.
void end_keeper(const state::Store& store, const state::PodKey& key);

// The whole life of one (`pausa keep-job NAMESPACE NAME`). Returns the exit code.
int keep_job(const state::Store& store, const state::PodKey& key);

}  // namespace pausa::cli
