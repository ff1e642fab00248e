#include "cli/attach.hpp"

#include "cli/command.hpp"
#include "cli/job_keeper.hpp"
#include "cli/jobs.hpp"
#include "cli/remove_pod.hpp"
#include "cli/supervisor_call.hpp"
#include "state/watch.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <iostream>

namespace pausa::cli {
namespace {

// How long a line may stay unfinished before it is shown as it is.
constexpr int prompt_patience_ms = 150;
// How often a supervisor that was told to stop is looked at.
constexpr int pulse_ms = 500;

class Attachment {
 public:
  Attachment(const state::Store& store, const std::vector<state::PodKey>& pods, LogStyle style,
             bool quiet, const std::vector<state::PodKey>& jobs)
      : store_(store),
        pods_(pods),
        jobs_(jobs),
        view_(store, follow(), style),
        quiet_(quiet),
        job_watch_(store.paths()) {
    for (const auto& pod : pods_) view_.add(pod, "");
    look_at_jobs();
  }

  int run(Signals& signals) {
    view_.print();
    bool unfinished = false;
    while (!(view_.ended() && (jobs_ended_ || interrupts_ > 0)) && reachable_) {
      std::array<pollfd, 4> ready{{{view_.log_fd(), POLLIN, 0},
                                   {view_.state_fd(), POLLIN, 0},
                                   {signals.fd(), POLLIN, 0},
                                   {jobs_.empty() ? -1 : job_watch_.fd(), POLLIN, 0}}};
      const int polled = ::poll(ready.data(), ready.size(), patience(unfinished));
      while (signals.take()) interrupt();
      // Then end_pods() goes on, which kills a supervisor that is hung.
      for (auto& pulse : pulses_)
        if (!pulse.why_lost().empty()) reachable_ = false;
      unfinished = polled != 0;
      if (interrupts_ == 0) look_at_jobs();
      if (polled == 0)
        view_.print_unfinished();
      else
        view_.print();
    }
    return interrupts_ > 0 ? remove() : exit_code();
  }

 private:
  int patience(bool unfinished) const {
    if (unfinished) return prompt_patience_ms;
    return pulses_.empty() ? -1 : pulse_ms;
  }

  // Their pods come into the view as they come into being.
  void look_at_jobs() {
    if (jobs_.empty()) return;
    (void)job_watch_.clear();
    jobs_ended_ = true;
    const state::JobStore store(store_.paths());
    for (const auto& key : jobs_) {
      job_watch_.add_folder(store.folder(key));
      const auto job = store.read(key);
      if (!job) continue;
      if (!job->state.finished) jobs_ended_ = false;
      for (const auto& pod : job->state.active) follow_pod(key, pod);
    }
  }

  void follow_pod(const state::PodKey& job, const pod::JobPod& pod) {
    state::PodKey key{job.namespace_, pod::job_pod_name(job.name, pod)};
    if (std::find(job_pods_.begin(), job_pods_.end(), key) != job_pods_.end()) return;
    try {
      view_.add(key, "");
    } catch (const NoSuchObject&) {
      return;  // it is only about to be made
    }
    job_pods_.push_back(std::move(key));
  }

  static LogSelection follow() {
    LogSelection selection;
    selection.follow = true;
    return selection;
  }

  // The logs go on while the supervisors stop the pods: nobody waits for an answer here.
  void interrupt() {
    ++interrupts_;
    tell(interrupts_ == 1 ? "stopping; once more kills at once" : "killing");
    control::Request request;
    request.op = control::Op::remove;
    if (interrupts_ > 1) request.grace_ms = 0;
    if (interrupts_ == 1)
      for (const auto& job : jobs_) end_keeper(store_, job);
    auto pods = pods_;
    pods.insert(pods.end(), job_pods_.begin(), job_pods_.end());
    for (const auto& pod : pods) {
      const auto dir =
          sys::try_open_at(AT_FDCWD, store_.paths().run_dir(pod), O_RDONLY | O_DIRECTORY);
      if (!dir) continue;  // removed already
      auto call = control::Call::put(dir.get(), request);
      if (!call) reachable_ = false;
      if (call) calls_.push_back(std::move(*call));
      if (interrupts_ == 1) pulses_.emplace_back(store_, pod);
    }
  }

  int remove() {
    constexpr std::chrono::milliseconds at_once(0);
    const auto grace = interrupts_ > 1 ? std::optional(at_once) : std::nullopt;
    const int code = end_pods(store_, pods_, true, grace, true);
    for (const auto& job : jobs_) (void)remove_job(store_, job, grace);
    view_.print();
    return code == exit_ok ? static_cast<int>(exit_interrupted) : code;
  }

  int exit_code() {
    int code = exit_ok;
    for (const auto& pod : pods_) {
      const auto record = store_.read(pod);
      if (!record) {
        tell("pod " + pod.name + " was removed");
        continue;
      }
      const int its = pod::exit_code(record->state);
      tell("pod " + pod.name + " has ended with exit code " + std::to_string(its));
      if (code == exit_ok) code = its;
    }
    const int at_once = -1;  // they have finished
    for (const auto& job : jobs_) {
      const int its = await_job_end(store_, job, {std::nullopt, at_once});
      if (its == exit_ok) tell("job " + job.name + " is complete");
      if (code == exit_ok) code = its;
    }
    return code;
  }

  void tell(const std::string& text) const {
    if (!quiet_) std::cerr << "pausa: " << text << std::endl;
  }

  const state::Store& store_;
  const std::vector<state::PodKey>& pods_;
  const std::vector<state::PodKey>& jobs_;
  std::vector<state::PodKey> job_pods_;
  LogView view_;
  bool quiet_;
  state::Watch job_watch_;
  bool jobs_ended_ = true;
  bool reachable_ = true;
  int interrupts_ = 0;
  std::vector<control::Call> calls_;
  std::vector<Pulse> pulses_;
};

}  // namespace

int attach(const state::Store& store, const std::vector<state::PodKey>& pods, Signals& signals,
           LogStyle style, bool quiet, const std::vector<state::PodKey>& jobs) {
  return Attachment(store, pods, style, quiet, jobs).run(signals);
}

}  // namespace pausa::cli
