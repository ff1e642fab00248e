// What of the images can go, since no pod needs it.
#pragma once

#include "image/library.hpp"
#include "pod/spec.hpp"
#include "state/store.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace pausa::cli {

// What the pods of a Job or CronJob will be, of which there may be none now.
struct JobToCome {
  std::string namespace_;
  pod::Spec spec;
};
std::vector<JobToCome> jobs_to_come(const state::Store& store);

// The digests of images that containers and volumes of pods are of, that an `up` which is taken
// back will need, and that are mounted; but for those of pods that are leaving. Throws sys::Error
// for a pod that nobody can read.
std::set<std::string> digests_in_use(const state::Store& store,
                                     const std::vector<state::PodKey>& leaving = {});

// Images that have lost their name and, with `unused`, all that no pod and no stored Job or CronJob
// is of. nullopt: others are at work.
// alone: of Library::hold_alone().
std::optional<image::Pruning> begin_pruning(const state::Store& store, bool unused,
                                            const std::vector<state::PodKey>& leaving = {},
                                            sys::UniqueFd alone = sys::UniqueFd());
void carry_out(const image::Pruning& pruning);

}  // namespace pausa::cli
