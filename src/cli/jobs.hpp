// Jobs and CronJobs as the verbs see them: what `up` and `run-job` do with one, waiting for it,
// showing it, removing it.
#pragma once

#include "cli/start_pod.hpp"
#include "cli/wait_pod.hpp"
#include "manifest/load.hpp"
#include "state/job_store.hpp"
#include "state/store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pausa::cli {

struct JobPlan {
  enum class Kind : std::uint8_t {
    create,
    again,  // it has finished: it is run again
    keep,
    update,    // a Job that runs takes the change
    recreate,  // it runs, and `field` of it cannot be changed
    store      // a CronJob: kept for run-job
  };
  Kind kind = Kind::create;
  std::string field;
};

// A Job or CronJob as it is wanted.
struct WantedJob {
  pod::WorkloadKind kind = pod::WorkloadKind::job;
  state::PodKey key;
  pod::Node object;  // with absolute paths
  JobPlan plan;
  std::string words() const { return pod::workload_words(kind, key.name); }
};

// What their pods will be like, one for each, with absolute paths.
std::vector<manifest::LoadedPod> job_samples(const manifest::LoadResult& loaded);
// Those of a manifest, with their plans made.
std::vector<WantedJob> wanted_jobs(const state::Store& store, const manifest::LoadResult& loaded);
// "job/sum: recreate (spec.template changed)", one line without its end.
std::string plan_text(const WantedJob& job);
bool changes_anything(const WantedJob& job);

// Does what the plan says. Throws sys::Error.
void start_job(const state::Store& store, const WantedJob& job, const StartOptions& options);

// Until the first pods of it have run, or it has finished. The exit code; what is wrong is told on
// stderr.
int await_job_begun(const state::Store& store, const state::PodKey& key, const Patience& patience);

// Until `reached` says so or it has finished. The Progress as of wait_until().
Progress wait_job(const state::Store& store, const state::PodKey& key,
                  const std::function<Progress(const std::optional<state::Job>&)>& look,
                  const Patience& patience);
// Until it is Complete (0) or Failed (1, with why on stderr); 124, 130.
int await_job_end(const state::Store& store, const state::PodKey& key, const Patience& patience);

// The Job with its status, as kubectl prints it.
pod::Node job_object(const state::Job& job);

// Where its pods are to be, as up was told; empty: the usual one.
std::string network_of_cron_job(const pod::Node& object);
// The Jobs that were started of a CronJob, the oldest first.
std::vector<state::PodKey> jobs_of_cron_job(const state::Store& store, const state::PodKey& key);

// Its keeper, its pods, and all that is known of it. False when there was no such Job.
bool remove_job(const state::Store& store, const state::PodKey& key,
                std::optional<std::chrono::milliseconds> grace);

}  // namespace pausa::cli
