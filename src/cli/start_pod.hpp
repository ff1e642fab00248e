// Starting a pod out of a loaded manifest: the part of `up` and `start` before the supervisor.
#pragma once

#include "manifest/load.hpp"
#include "pod/backoff.hpp"
#include "state/store.hpp"
#include "supervisor/spawn.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pausa::cli {

// One pod on its way up.
struct StartingPod {
  state::PodKey key;
  sys::UniqueFd starter;  // where its supervisor reports
};

// The images of all containers, init containers first. Throws sys::Error that names the container.
std::vector<image::ResolvedImage> resolve_images(const manifest::LoadedPod& loaded,
                                                 const std::string& folder,
                                                 const state::Store& store);

// Takes the pod's lock, writes manifest and record, forks its guard and supervisor. Throws
// sys::Error when the pod runs already or somebody else is changing it.
StartingPod start_pod(const state::Store& store, const manifest::LoadedPod& loaded,
                      std::vector<image::ResolvedImage> images, const pod::BackoffPolicy& backoff,
                      bool explain);

// Waits for the supervisor's word: nothing when all containers run, else the sentence.
std::optional<std::string> await_start(
    const StartingPod& pod, std::optional<std::chrono::steady_clock::time_point> deadline,
    bool& timed_out);

}  // namespace pausa::cli
