// What `up` would do with all that a manifest names, before it does it; and what an earlier `up` of
// the same files has brought that they no longer name.
#pragma once

#include "cli/objects.hpp"
#include "cli/plan_pod.hpp"
#include "manifest/load.hpp"
#include "state/store.hpp"

#include <string>
#include <vector>

namespace pausa::cli {

// Where a manifest lies, as pods and objects remember it: an absolute path, for the standard input
// the folder and "/-". Empty for a pipe that some shell made: it has no name to come back to.
std::string origin_of(const manifest::Source& source);

// What is to go: pods that their workload has no longer, and with --prune what is not named.
struct Leftovers {
  std::vector<state::PodKey> pods;
  std::vector<pod::Object> objects;
  std::vector<state::PodKey> jobs, cron_jobs;

  bool empty() const {
    return pods.empty() && objects.empty() && jobs.empty() && cron_jobs.empty();
  }
};
// files: as given on the command line; of a folder all that came from manifests in it. claims:
// claims and their data, too.
Leftovers find_leftovers(const state::Store& store, const manifest::LoadResult& loaded,
                         const std::vector<std::string>& files, bool claims);

struct SetPlan {
  std::vector<ObjectPlan> objects;
  std::vector<PodPlan> pods;  // as the manifest's
  Leftovers leftovers;

  void add(Leftovers more);

  // Whether `up` would change anything.
  bool differs() const;
};

// loaded: with absolute paths. Throws sys::Error.
SetPlan plan_set(const state::Store& store, const manifest::LoadResult& loaded);

// A line for each: "configmap/settings: create", "shop: restart api", "old: remove".
std::string plan_text(const SetPlan& plan, const manifest::LoadResult& loaded);

}  // namespace pausa::cli
