// The life of a Job as a pure state machine: what its pods have come to in, which pods are to be
// started and stopped out, by the rules of Kubernetes' Job controller. The state is plain data; who
// keeps the Job (cli/job_keeper.hpp) writes it down before it acts on it, so that the next one goes
// on where the last one was killed.
#pragma once

#include "pod/backoff.hpp"
#include "pod/lifecycle.hpp"
#include "pod/node.hpp"
#include "pod/workload.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pausa::pod {

struct JobSpec {
  struct FailureRule {
    enum class Action : std::uint8_t { count, ignore, fail_index, fail_job };
    Action action = Action::count;
    std::string container;  // empty: any
    bool not_in = false;
    std::vector<std::int64_t> codes;                              // none: it looks at conditions
    std::vector<std::pair<std::string, std::string>> conditions;  // type, status
  };
  struct SuccessRule {
    std::optional<std::vector<std::int64_t>> indexes;
    std::optional<std::int64_t> count;
  };
  std::int64_t parallelism = 1;
  std::optional<std::int64_t> completions;
  std::int64_t backoff_limit = 6;
  std::optional<std::int64_t> backoff_limit_per_index, max_failed_indexes;
  std::optional<std::chrono::seconds> deadline, ttl;
  bool indexed = false;
  bool suspend = false;
  bool restarts = false;  // restartPolicy: OnFailure
  std::vector<FailureRule> failure_rules;
  std::vector<SuccessRule> success_rules;
};
// From the validated object of a Job.
JobSpec decode_job(const Node& job);

// A pod of the Job that has not been counted yet.
struct JobPod {
  std::int64_t number = 0;            // of its kind: 1, 2, …; of an index the attempt
  std::optional<std::int64_t> index;  // Indexed
  bool stopping = false;
  // Decided, but perhaps not made yet: whoever was to make it may have been killed before.
  bool planned = false;
};
// "sum-1", "sum-0-1".
std::string job_pod_name(const std::string& job, const JobPod& pod);

struct JobState {
  struct Index {
    std::int64_t index = 0;
    std::int64_t attempts = 0;
    std::int64_t failures = 0;
  };
  std::optional<WallTime> started;   // not while it is suspended
  std::optional<WallTime> finished;  // its last pod has ended
  std::int64_t made = 0;             // pods so far; of one that is not Indexed, the last number
  std::vector<JobPod> active;
  std::int64_t succeeded = 0, failed = 0;
  std::vector<std::int64_t> completed_indexes, failed_indexes;  // sorted
  std::vector<Index> indexes;                                   // those with attempts, sorted
  std::int64_t failures_in_a_row = 0;
  std::optional<WallTime> retry_at;
  // Decided; finished when no pod runs any more.
  std::optional<bool> complete;
  std::string reason, message;
};

// What an active pod has come to.
struct JobPodSeen {
  enum class Kind : std::uint8_t { alive, succeeded, failed, absent };
  Kind kind = Kind::alive;
  std::uint64_t restarts = 0;
  std::vector<std::pair<std::string, int>> exit_codes;  // by container
  bool disrupted = false;                               // evicted: condition DisruptionTarget
};

struct JobActions {
  std::vector<JobPod> start;  // in this order; they are active already, and planned until made
  std::vector<JobPod> stop;
  bool remove = false;  // its time after the end is over
  std::optional<WallTime> wake;
};

// seen: of state.active, in its order.
JobActions step_job(const JobSpec& spec, const BackoffPolicy& backoff, JobState& state,
                    const std::vector<JobPodSeen>& seen, WallTime now);

// The pods that were to be started have been tried.
void pods_made(JobState& state);

// The Pod object of one of its pods.
Node job_pod(const Node& job, const Workload& workload, const JobPod& pod);

// What the pods of a Job, or of the Jobs of a CronJob, are like: its first.
Node sample_pod(const Node& object, const Workload& workload);

// For the disk, and back.
Node job_state_node(const JobState& state);
JobState job_state_from(const Node& node);
// The `status` that `kubectl get -o json` prints.
Node job_status(const JobSpec& spec, const JobState& state);
// "Complete", "Failed", "Suspended" or "Running".
std::string_view job_word(const JobSpec& spec, const JobState& state);
// Whether one of its conditions has this value; type and value as Kubernetes writes them.
bool job_condition(const JobSpec& spec, const JobState& state, std::string_view type,
                   std::string_view value);

// Whether it changes by itself any more: has pods to start or wait for, or is to be removed.
bool job_is_alive(const JobSpec& spec, const JobState& state);

// The Job that a CronJob stands for, by this name: owned by it, started by hand.
Node job_of_cron_job(const Node& cron_job, const Workload& workload, const std::string& name);

// What of a Job that runs cannot be changed in it: the first such field that differs
// ("spec.template"), empty: none. differs: whether anything does.
std::string fixed_difference(const Node& now, const Node& wanted, bool& differs);

}  // namespace pausa::pod
