// Starting a pod out of a loaded manifest: the part of `up` and `start` before the supervisor.
#pragma once

#include "cli/pod_images.hpp"
#include "cli/supervisor_call.hpp"
#include "manifest/load.hpp"
#include "pod/backoff.hpp"
#include "state/store.hpp"
#include "supervisor/pod_network.hpp"
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
  sys::UniqueFd starter;  // where its supervisor reports; empty: it was up already
};

struct StartOptions {
  pod::BackoffPolicy backoff;
  bool explain = false;
  bool quiet = false;  // no word about what becomes of a pod that runs
  bool exact_probes = false;
  std::string origin;  // the file that it comes from
  std::optional<supervisor::NetworkChoice> network;
  std::string network_name = {};  // of a named one, in place of that
};

// As `--network` has it: bridge, pasta, none, host, or the name of one.
void choose_network(const std::string& text, StartOptions& options);
// And back, as it is to hold for as long as the pod, Job or CronJob is there: what was asked for,
// else what PAUSA_NETWORK says now. Empty: neither. Throws sys::Error when that says nothing
// sensible.
std::string lasting_network_words(const StartOptions& options);
// As if the manifest said so.
void use_host_network(manifest::LoadedPod& loaded);

// Gives a changed manifest to the supervisor of a pod that runs; its answer says whether the
// changed containers run again. images: of all its containers. nullopt: it is not there, or does
// not listen yet.
std::optional<SupervisorCall> begin_update(const state::Store& store, const state::PodKey& key,
                                           const std::string& manifest,
                                           const std::vector<image::ResolvedImage>& images);

// Takes the pod's lock, writes manifest and record, forks its guard and supervisor. A pod that runs
// is brought up to date instead (plan_pod.hpp): left alone, changed as it lives, or made anew.
// Throws sys::Error when that cannot be done, or somebody else is changing it.
StartingPod start_pod(const state::Store& store, manifest::LoadedPod loaded, PodImages images,
                      const StartOptions& options);

// Starts a pod that was stopped or has ended, from its stored manifest: same volumes, new
// containers, new logs beside the old ones. Throws NoSuchObject, sys::Error.
StartingPod start_again(const state::Store& store, const state::PodKey& key, bool explain);

// Several of them, with "pod/NAME" for each that runs then and a word on stderr for each that does
// not. Returns the exit code.
int start_pods_again(const state::Store& store, const std::vector<state::PodKey>& keys,
                     bool explain);

struct StartResult {
  enum class Kind : std::uint8_t {
    running,
    failed,  // it could not be set up
    ended,   // before all its containers ran; it is still there
    timed_out,
    interrupted
  };
  Kind kind = Kind::running;
  std::string why;  // a sentence, unless it runs
};

// Waits until all containers have run, or the supervisor's word why they do not. The steps of
// `explain` are printed to stdout as they come. interrupt: a descriptor whose becoming readable
// ends the wait.
StartResult await_start(const state::Store& store, const StartingPod& pod,
                        std::optional<std::chrono::steady_clock::time_point> deadline,
                        int interrupt = -1);

}  // namespace pausa::cli
