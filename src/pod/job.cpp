#include "pod/job.hpp"

#include "pod/index_set.hpp"
#include "pod/value.hpp"

#include <algorithm>

namespace pausa::pod {
namespace {

using Action = JobSpec::FailureRule::Action;
using Seen = JobPodSeen::Kind;

void insert(std::vector<std::int64_t>& set, std::int64_t index) {
  const auto at = std::lower_bound(set.begin(), set.end(), index);
  if (at == set.end() || *at != index) set.insert(at, index);
}

bool holds(const std::vector<std::int64_t>& set, std::int64_t index) {
  return std::binary_search(set.begin(), set.end(), index);
}

JobState::Index& index_of(JobState& state, std::int64_t index) {
  const auto at = std::lower_bound(
      state.indexes.begin(), state.indexes.end(), index,
      [](const JobState::Index& known, std::int64_t wanted) { return known.index < wanted; });
  if (at != state.indexes.end() && at->index == index) return *at;
  return *state.indexes.insert(at, {index, 0, 0});
}

void decide(JobState& state, bool complete, std::string reason, std::string message) {
  if (state.complete) return;
  state.complete = complete;
  state.reason = std::move(reason);
  state.message = std::move(message);
}

bool fits(const JobSpec::FailureRule& rule, const JobPodSeen& seen) {
  if (!rule.codes.empty())
    return std::any_of(seen.exit_codes.begin(), seen.exit_codes.end(), [&](const auto& end) {
      if (end.second == 0 || (!rule.container.empty() && rule.container != end.first)) return false;
      const bool among =
          std::find(rule.codes.begin(), rule.codes.end(), end.second) != rule.codes.end();
      return among != rule.not_in;
    });
  return std::any_of(rule.conditions.begin(), rule.conditions.end(), [&](const auto& condition) {
    return condition.first == "DisruptionTarget" && (condition.second == "True") == seen.disrupted;
  });
}

class Step {
 public:
  Step(const JobSpec& spec, const BackoffPolicy& backoff, JobState& state, WallTime now)
      : spec_(spec), backoff_(backoff), state_(state), now_(now) {}

  JobActions run(const std::vector<JobPodSeen>& seen) {
    if (state_.finished) {
      see_to_removal();
      return std::move(actions_);
    }
    if (spec_.suspend)
      state_.started.reset();
    else if (!state_.started)
      state_.started = now_;
    count(seen);
    if (!state_.complete) judge();
    if (state_.complete || spec_.suspend) {
      stop_all();
      if (state_.complete && state_.active.empty()) {
        state_.finished = now_;
        see_to_removal();
      }
    } else {
      keep_going();
      start_anew();
    }
    return std::move(actions_);
  }

 private:
  void wake_at(WallTime when) {
    if (!actions_.wake || when < *actions_.wake) actions_.wake = when;
  }

  void see_to_removal() {
    if (!spec_.ttl) return;
    const WallTime due = *state_.finished + *spec_.ttl;
    if (due <= now_)
      actions_.remove = true;
    else
      wake_at(due);
  }

  // Takes what has ended out of the active ones.
  void count(const std::vector<JobPodSeen>& seen) {
    std::vector<JobPod> left;
    for (std::size_t i = 0; i < state_.active.size(); ++i) {
      const JobPod pod = state_.active[i];
      const JobPodSeen look = i < seen.size() ? seen[i] : JobPodSeen{};
      if (look.kind == Seen::alive) {
        restarts_ += static_cast<std::int64_t>(look.restarts);
        left.push_back(pod);
      } else if (look.kind == Seen::absent && pod.planned) {
        if (pod.stopping) continue;
        never_made_.push_back(left.size());
        left.push_back(pod);
      } else if (look.kind == Seen::succeeded) {
        succeed(pod);
      } else if (!pod.stopping) {
        fail(pod, look);
      } else if (state_.complete == false) {
        ++state_.failed;
      }
    }
    state_.active = std::move(left);
  }

  void succeed(const JobPod& pod) {
    ++state_.succeeded;
    state_.failures_in_a_row = 0;
    state_.retry_at.reset();
    if (pod.index) insert(state_.completed_indexes, *pod.index);
  }

  void fail(const JobPod& pod, const JobPodSeen& look) {
    Action action = Action::count;
    std::size_t number = 0;
    for (const auto& rule : spec_.failure_rules) {
      if (fits(rule, look)) {
        action = rule.action;
        break;
      }
      ++number;
    }
    if (action == Action::ignore) {
      // It is as if it had not been; but not as fast as we can.
      state_.retry_at = now_ + std::min<Duration>(backoff_.initial, std::chrono::seconds(1));
      return;
    }
    ++state_.failed;
    if (action == Action::fail_job) {
      decide(state_, false, "PodFailurePolicy",
             "a pod matched rule " + std::to_string(number) + " of podFailurePolicy: FailJob");
      return;
    }
    if (pod.index) {
      auto& known = index_of(state_, *pod.index);
      ++known.failures;
      if (action == Action::fail_index ||
          (spec_.backoff_limit_per_index && known.failures > *spec_.backoff_limit_per_index))
        insert(state_.failed_indexes, *pod.index);
    }
    Duration wait = backoff_.initial;
    for (std::int64_t i = 0; i < state_.failures_in_a_row && wait < backoff_.maximum; ++i)
      wait *= 2;
    ++state_.failures_in_a_row;
    state_.retry_at = now_ + std::min(wait, backoff_.maximum);
  }

  std::int64_t done() const {
    return spec_.indexed ? static_cast<std::int64_t>(state_.completed_indexes.size())
                         : state_.succeeded;
  }

  // The controller's order: failures before success.
  void judge() {
    const auto limit = spec_.backoff_limit;
    const bool restarted_too_often =
        spec_.restarts && (limit == 0 ? restarts_ > 0 : restarts_ >= limit);
    if (state_.failed > limit || restarted_too_often)
      return decide(state_, false, "BackoffLimitExceeded",
                    "Job has reached the specified backoff limit");
    if (spec_.deadline && state_.started) {
      const WallTime due = *state_.started + *spec_.deadline;
      if (due <= now_)
        return decide(state_, false, "DeadlineExceeded",
                      "Job was active longer than specified deadline");
      wake_at(due);
    }
    const auto lost = static_cast<std::int64_t>(state_.failed_indexes.size());
    if (spec_.max_failed_indexes && lost > *spec_.max_failed_indexes)
      return decide(state_, false, "MaxFailedIndexesExceeded",
                    "Job has exceeded the specified maximal number of failed indexes");
    if (judge_success_policy()) return;
    if (!spec_.completions) {
      if (state_.succeeded > 0 && state_.active.empty()) complete();
      return;
    }
    if (done() >= *spec_.completions) return complete();
    if (lost > 0 && done() + lost >= *spec_.completions)
      decide(state_, false, "FailedIndexes", "Job has failed indexes");
  }

  void complete() {
    decide(state_, true, "CompletionsReached", "Reached expected number of succeeded pods");
  }

  bool judge_success_policy() {
    for (std::size_t i = 0; i < spec_.success_rules.size(); ++i) {
      const auto& [indexes, count] = spec_.success_rules[i];
      std::int64_t met = done();
      std::int64_t all = met;
      if (indexes) {
        met = std::count_if(indexes->begin(), indexes->end(), [this](std::int64_t index) {
          return holds(state_.completed_indexes, index);
        });
        all = static_cast<std::int64_t>(indexes->size());
      }
      if (met < count.value_or(all)) continue;
      decide(state_, true, "SuccessPolicy", "Matched rules at index " + std::to_string(i));
      return true;
    }
    return false;
  }

  void stop_all() { stop_beyond(0); }

  // The newest go first.
  void stop_beyond(std::int64_t wanted) {
    for (std::size_t i = state_.active.size(); i-- > 0;) {
      if (static_cast<std::int64_t>(i) < wanted || state_.active[i].stopping) continue;
      state_.active[i].stopping = true;
      actions_.stop.push_back(state_.active[i]);
    }
  }

  void keep_going() {
    const auto active = static_cast<std::int64_t>(state_.active.size());
    std::int64_t wanted = spec_.parallelism;
    if (spec_.completions)
      wanted = std::min(wanted, *spec_.completions - done() -
                                    static_cast<std::int64_t>(state_.failed_indexes.size()));
    else if (state_.succeeded > 0)
      wanted = std::min(wanted, active);  // one has done the work: no new ones
    if (active > wanted) return stop_beyond(wanted);
    if (active == wanted) return;
    if (state_.retry_at && *state_.retry_at > now_) return wake_at(*state_.retry_at);
    for (std::int64_t i = active; i < wanted; ++i)
      if (!start_one()) break;
  }

  // Those that somebody else was to make and did not.
  void start_anew() {
    for (const std::size_t i : never_made_)
      if (!state_.active[i].stopping) actions_.start.push_back(state_.active[i]);
  }

  bool start_one() {
    JobPod pod;
    pod.planned = true;
    if (spec_.indexed) {
      pod.index = free_index();
      if (!pod.index) return false;
      pod.number = ++index_of(state_, *pod.index).attempts;
      ++state_.made;
    } else {
      pod.number = ++state_.made;
    }
    state_.active.push_back(pod);
    actions_.start.push_back(pod);
    return true;
  }

  std::optional<std::int64_t> free_index() const {
    for (std::int64_t index = 0; index < spec_.completions.value_or(0); ++index) {
      const bool taken = holds(state_.completed_indexes, index) ||
                         holds(state_.failed_indexes, index) ||
                         std::any_of(state_.active.begin(), state_.active.end(),
                                     [index](const JobPod& pod) { return pod.index == index; });
      if (!taken) return index;
    }
    return std::nullopt;
  }

  const JobSpec& spec_;
  const BackoffPolicy& backoff_;
  JobState& state_;
  WallTime now_;
  std::int64_t restarts_ = 0;
  std::vector<std::size_t> never_made_;  // of state_.active
  JobActions actions_;
};

}  // namespace

std::string job_pod_name(const std::string& job, const JobPod& pod) {
  std::string name = job + "-";
  if (pod.index) name += std::to_string(*pod.index) + "-";
  return name + std::to_string(pod.number);
}

JobActions step_job(const JobSpec& spec, const BackoffPolicy& backoff, JobState& state,
                    const std::vector<JobPodSeen>& seen, WallTime now) {
  return Step(spec, backoff, state, now).run(seen);
}

void pods_made(JobState& state) {
  for (JobPod& pod : state.active) pod.planned = false;
}

bool job_is_alive(const JobSpec& spec, const JobState& state) {
  if (state.finished) return spec.ttl.has_value();
  return !spec.suspend || !state.active.empty();
}

}  // namespace pausa::pod
