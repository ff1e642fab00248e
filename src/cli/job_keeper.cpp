#include "cli/job_keeper.hpp"

#include "cli/remove_pod.hpp"
#include "cli/start_pod.hpp"
#include "cli/target.hpp"
#include "cli/workloads.hpp"
#include "image/library.hpp"
#include "pod/decode.hpp"
#include "pod/short_status.hpp"
#include "state/watch.hpp"
#include "supervisor/starter.hpp"
#include "sys/error.hpp"
#include "sys/own_program.hpp"
#include "sys/path.hpp"
#include "sys/pause.hpp"
#include "sys/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>

namespace pausa::cli {
namespace {

constexpr std::chrono::seconds lock_patience(5);
constexpr std::chrono::seconds death_patience(5);
// What a supervisor that has removed its pod still has to say comes at once.
constexpr int last_word_patience_ms = 1000;

pod::WallTime wall_clock() {
  return std::chrono::duration_cast<pod::WallTime>(
      std::chrono::system_clock::now().time_since_epoch());
}

// With no descriptor of the command's but the program.
[[noreturn]] void execute_alone(int program, const char* const* argv) {
  sys::leave_command();
  constexpr int kept = 3;
  if (program != kept) (void)::dup2(program, kept);
  (void)::fcntl(kept, F_SETFD, FD_CLOEXEC);
  (void)::close_range(kept + 1, ~0U, 0);
  (void)::syscall(SYS_execveat, kept, "", argv, environ, AT_EMPTY_PATH);
  ::_exit(127);
}

class Keeper {
 public:
  Keeper(const state::Store& store, state::Job job)
      : store_(store),
        jobs_(store.paths()),
        job_(std::move(job)),
        spec_(pod::decode_job(job_.object)),
        workload_(pod::decode_workload(job_.object, pod::WorkloadKind::job)) {
    backoff_.initial = pod::Duration(job_.backoff_initial_ns);
    backoff_.maximum = pod::Duration(job_.backoff_maximum_ns);
  }

  void run() {
    while (is_ours()) {
      // Anew each time: who is forked below is not to have it.
      std::optional<state::Watch> watch(store_.paths());
      for (const auto& pod : job_.state.active) watch->add(key_of(pod));
      std::vector<pod::JobPodSeen> seen;
      for (const auto& pod : job_.state.active) seen.push_back(look(pod));
      const auto before = pod::to_json(pod::job_state_node(job_.state));
      const auto actions = pod::step_job(spec_, backoff_, job_.state, seen, wall_clock());
      if (pod::to_json(pod::job_state_node(job_.state)) != before || failed_) jobs_.write(job_);
      failed_ = false;
      if (actions.remove) return remove();
      if (!actions.start.empty() || !actions.stop.empty()) {
        watch.reset();
        act(actions);
        continue;
      }
      if (!pod::job_is_alive(spec_, job_.state)) return;
      wait(*watch, actions.wake);
    }
  }

 private:
  state::PodKey key_of(const pod::JobPod& pod) const {
    return {job_.key.namespace_, pod::job_pod_name(job_.key.name, pod)};
  }

  // Not one that was started again, or removed, behind our back.
  bool is_ours() const {
    const auto now = jobs_.read(job_.key);
    return now && now->uid == job_.uid;
  }

  pod::JobPodSeen look(const pod::JobPod& pod) {
    pod::JobPodSeen seen;
    const auto key = key_of(pod);
    auto record = store_.read(key);
    if (!record) {
      hear_last_word(key);
      seen.kind = pod::JobPodSeen::Kind::absent;
      return seen;
    }
    if (record->boot_id != sys::boot_id() && !record->state.finished) {
      seen.kind = pod::JobPodSeen::Kind::failed;
      return seen;
    }
    const auto& state = record->state;
    seen.restarts = pod::restarts(state).count;
    if (!state.finished) {
      if (!sys::alive(record->supervisor)) revive_pod(std::move(*record));
      return seen;
    }
    hear_last_word(key);  // one that could not be set up shows so before it is removed
    seen.kind = state.phase == pod::Phase::succeeded ? pod::JobPodSeen::Kind::succeeded
                                                     : pod::JobPodSeen::Kind::failed;
    seen.disrupted = state.reason == "Evicted";
    for (std::size_t i = 0; i < record->containers.size(); ++i)
      if (state.containers[i].terminated)
        seen.exit_codes.emplace_back(record->containers[i].name,
                                     state.containers[i].terminated->exit_code);
    return seen;
  }

  void revive_pod(state::Record record) const {
    try {
      (void)revive(store_, std::move(record));
    } catch (const std::exception&) {
      // It is looked at again when something of it changes.
    }
  }

  // A pod that could not be set up is gone; its supervisor says why.
  void hear_last_word(const state::PodKey& key) {
    const auto starter = starting_.find(key.name);
    if (starter == starting_.end()) return;
    pollfd ready{starter->second.get(), POLLIN, 0};
    if (::poll(&ready, 1, last_word_patience_ms) == 1) {
      const auto reply = supervisor::receive_starter(starter->second.get());
      if (reply.kind == supervisor::StarterReply::Kind::failed) note_failure(key, reply.text);
    }
    starting_.erase(starter);
  }

  void note_failure(const state::PodKey& key, const std::string& why) {
    job_.failure = "pod " + key.name + ": " + why;
    failed_ = true;
  }

  void act(const pod::JobActions& actions) {
    std::vector<state::PodKey> ending;
    for (const auto& pod : actions.stop) ending.push_back(key_of(pod));
    if (!ending.empty()) (void)end_pods(store_, ending, false, std::nullopt, true);
    for (const auto& pod : actions.start) {
      try {
        start(pod);
      } catch (const std::exception& error) {
        note_failure(key_of(pod), error.what());
      }
    }
    pod::pods_made(job_.state);
    jobs_.write(job_);
  }

  void start(const pod::JobPod& pod) {
    manifest::LoadedPod loaded;
    loaded.object = pod::job_pod(job_.object, workload_, pod);
    pod::Diagnostics findings;
    loaded.pod = pod::decode_pod(loaded.object, findings);
    const auto kept = image::Library(store_.paths().root).keep_all();
    auto images = resolve_images(loaded, store_);
    StartOptions options;
    options.quiet = true;
    options.exact_probes = job_.exact_probes;
    options.backoff.initial = backoff_.initial;
    options.backoff.maximum = backoff_.maximum;
    if (!job_.network.empty()) choose_network(job_.network, options);
    if (options.network == supervisor::NetworkChoice::host) use_host_network(loaded);
    auto started = start_pod(store_, std::move(loaded), std::move(images), options);
    if (started.starter) starting_.insert_or_assign(started.key.name, std::move(started.starter));
  }

  // Until a pod changes, one of those that start has a word, or the time has come.
  void wait(const state::Watch& watch, const std::optional<pod::WallTime>& wake) {
    int timeout = -1;
    if (wake) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*wake - wall_clock());
      timeout = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
    }
    std::vector<pollfd> ready{{watch.fd(), POLLIN, 0}};
    for (const auto& [name, starter] : starting_) ready.push_back({starter.get(), POLLIN, 0});
    (void)::poll(ready.data(), ready.size(), timeout);
    std::size_t i = 1;
    for (auto at = starting_.begin(); at != starting_.end(); ++i) {
      const bool told = ready[i].revents != 0;
      if (!told) {
        ++at;
        continue;
      }
      const auto reply = supervisor::receive_starter(at->second.get());
      if (reply.kind == supervisor::StarterReply::Kind::failed)
        note_failure({job_.key.namespace_, at->first}, reply.text);
      at = starting_.erase(at);
    }
  }

  void remove() {
    const auto pods = pods_owned_by(store_, job_.key.namespace_,
                                    pod::workload_words(pod::WorkloadKind::job, job_.key.name));
    (void)end_pods(store_, pods, true, std::nullopt, true);
    (void)jobs_.remove(job_.key);
  }

  const state::Store& store_;
  state::JobStore jobs_;
  state::Job job_;
  pod::JobSpec spec_;
  pod::Workload workload_;
  pod::BackoffPolicy backoff_;
  std::map<std::string, sys::UniqueFd> starting_;  // by the pod's name
  bool failed_ = false;
};

}  // namespace

void spawn_keeper(const state::Store& store, const state::PodKey& key) {
  if (state::JobStore(store.paths()).holder(key) != 0) return;
  const std::array<const char*, 5> argv{"pausa", "keep-job", key.namespace_.c_str(),
                                        key.name.c_str(), nullptr};
  const sys::UniqueFd program = sys::open_at(AT_FDCWD, "/proc/self/exe", O_PATH);
  const pid_t first = sys::check(::fork(), "start the keeper of job ", key.name);
  if (first == 0) {
    // Twice, so that it is nobody's child.
    if (::fork() != 0) ::_exit(0);
    execute_alone(program.get(), argv.data());
  }
  (void)sys::reap(sys::open_pidfd(first).get());
}

void revive_keepers(const state::Store& store) {
  const state::JobStore jobs(store.paths());
  for (const auto& key : jobs.list()) {
    try {
      const auto job = jobs.read(key);
      if (job && pod::job_is_alive(pod::decode_job(job->object), job->state))
        spawn_keeper(store, key);
    } catch (const sys::Error&) {
      // A damaged one is told of by who asks for it.
    }
  }
}

void end_keeper(const state::Store& store, const state::PodKey& key) {
  const state::JobStore jobs(store.paths());
  const auto deadline = std::chrono::steady_clock::now() + death_patience;
  while (const pid_t pid = jobs.holder(key)) {
    if (std::chrono::steady_clock::now() >= deadline)
      throw sys::Error("job " + key.name + ": its keeper (pid " + std::to_string(pid) +
                       ") does not die");
    // The lock says that the pid is the keeper's; asked again with the process in hand.
    const auto process = sys::open_process(sys::identify(pid));
    if (process && jobs.holder(key) == pid) {
      (void)sys::send_signal(process->get(), SIGKILL);
      (void)sys::wait_dead(process->get(), death_patience);
    }
    sys::pause_briefly();
  }
}

int keep_job(const state::Store& store, const state::PodKey& key) {
  (void)::prctl(PR_SET_NAME, "pausa-job", 0, 0, 0);
  for (const int number : {SIGPIPE, SIGXFSZ, SIGHUP, SIGINT, SIGQUIT})
    (void)::signal(number, SIG_IGN);
  const state::JobStore jobs(store.paths());
  const auto deadline = std::chrono::steady_clock::now() + lock_patience;
  for (;;) {
    if (const auto lock = jobs.lock(key)) {
      if (auto job = jobs.read(key)) Keeper(store, std::move(*job)).run();
      return 0;
    }
    if (std::chrono::steady_clock::now() >= deadline) return 0;  // another one keeps it
    sys::pause_briefly();
  }
}

}  // namespace pausa::cli
