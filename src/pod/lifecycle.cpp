#include "pod/lifecycle.hpp"

#include <algorithm>

namespace pausa::pod {

using Stage = ContainerState::Stage;

std::string_view phase_name(Phase phase) {
  switch (phase) {
    case Phase::pending:
      return "Pending";
    case Phase::running:
      return "Running";
    case Phase::succeeded:
      return "Succeeded";
    case Phase::failed:
      return "Failed";
  }
  return "Unknown";
}

// How long a killed member may take to die.
constexpr Duration patience = std::chrono::seconds(1);

// One event's handling: the state it changes, the actions it collects.
struct Lifecycle::Step {
  const Lifecycle& machine;
  PodState& state;
  Time now;
  std::vector<Action> actions;

  bool is_init(std::size_t i) const { return i < machine.init_count_; }

  void act(Action::Kind kind, std::size_t container = 0) { actions.push_back({kind, container}); }

  void start(std::size_t i) {
    auto& container = state.containers[i];
    if (container.stage == Stage::terminated) container.last = std::move(container.terminated);
    container.terminated.reset();
    container.restart_at.reset();
    container.kill_at.reset();
    container.restart_requested = false;
    if (container.launches > 0) ++container.restart_count;
    ++container.launches;
    container.stage = Stage::starting;
    container.waiting_reason = "ContainerCreating";
    container.waiting_message.clear();
    act(Action::Kind::start, i);
  }

  // Whether a container that ended so is started again.
  bool restarts(std::size_t i, const Termination& end) const {
    if (state.stopping) return false;
    if (is_init(i)) return end.exit_code != 0 && machine.policy_ != RestartPolicy::never;
    switch (machine.policy_) {
      case RestartPolicy::always:
        return true;
      case RestartPolicy::on_failure:
        return end.exit_code != 0;
      case RestartPolicy::never:
        return false;
    }
    return false;
  }

  void ended(std::size_t i, Termination end, Duration ran) {
    auto& container = state.containers[i];
    container.kill_at.reset();
    if (container.restart_requested && !state.stopping) {
      container.terminated = std::move(end);
      container.stage = Stage::terminated;
      container.backoff = Backoff{};
      start(i);
      return;
    }
    if (restarts(i, end)) {
      const Duration wait = container.backoff.advance(machine.backoff_, ran);
      if (wait.count() == 0) {
        container.terminated = std::move(end);
        container.stage = Stage::terminated;
        start(i);
        return;
      }
      container.last = std::move(end);
      container.terminated.reset();
      container.stage = Stage::waiting;
      container.waiting_reason = "CrashLoopBackOff";
      container.waiting_message =
          "back-off " +
          std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(wait).count()) +
          "ms restarting failed container";
      container.restart_at = now + wait;
      return;
    }
    container.terminated = std::move(end);
    container.stage = Stage::terminated;
  }

  // Starts what can be started, and finds out whether the pod is done.
  void advance(WallTime wall) {
    if (state.finished) return;
    if (!state.stopping && state.sandbox) {
      std::size_t done = 0;
      while (done < machine.init_count_ && succeeded(done)) ++done;
      if (done < machine.init_count_) {
        advance_init(done);
      } else {
        if (!state.initialized) state.initialized = wall;
        for (std::size_t i = machine.init_count_; i < machine.count_; ++i)
          if (idle(i)) start(i);
      }
    }
    settle();
  }

  bool succeeded(std::size_t i) const {
    const auto& container = state.containers[i];
    return container.stage == Stage::terminated && container.terminated->exit_code == 0;
  }
  bool idle(std::size_t i) const {
    const auto& container = state.containers[i];
    return container.stage == Stage::waiting && !container.restart_at;
  }

  void advance_init(std::size_t i) {
    if (idle(i)) return start(i);
    const auto& container = state.containers[i];
    if (container.stage != Stage::terminated) return;
    // It failed and is not to be restarted: the pod has failed, nothing else is started.
    state.stopping = true;
    state.message = "init container failed";
  }

  void settle() {
    const bool active = std::any_of(
        state.containers.begin(), state.containers.end(), [](const ContainerState& container) {
          return container.stage == Stage::running || container.stage == Stage::starting;
        });
    update_phase();
    if (active) return;
    const bool over =
        state.stopping ||
        std::all_of(state.containers.begin() + static_cast<std::ptrdiff_t>(machine.init_count_),
                    state.containers.end(), [](const ContainerState& container) {
                      return container.stage == Stage::terminated;
                    });
    if (!over) return;
    state.finished = true;
    for (auto& container : state.containers) container.restart_at.reset();
    bool failed = false;
    bool incomplete = false;
    for (std::size_t i = 0; i < machine.count_; ++i) {
      const auto& container = state.containers[i];
      if (container.stage != Stage::terminated)
        incomplete = true;
      else if (container.terminated->exit_code != 0)
        failed = true;
    }
    state.phase = failed || incomplete ? Phase::failed : Phase::succeeded;
    if (state.sandbox) act(Action::Kind::tear_down);
  }

  void update_phase() {
    if (state.phase != Phase::pending) return;
    for (std::size_t i = machine.init_count_; i < machine.count_; ++i)
      if (state.containers[i].started.count() != 0) state.phase = Phase::running;
  }

  void stop(Duration grace) {
    const Time kill_at = now + grace;
    // A second, shorter stop wins; a longer one does not prolong what was promised.
    if (state.kill_at && *state.kill_at <= kill_at) return;
    state.kill_at = kill_at;
    if (!state.stopping) {
      state.stopping = true;
      for (std::size_t i = 0; i < machine.count_; ++i) {
        auto& container = state.containers[i];
        container.restart_at.reset();
        if (container.stage == Stage::running || container.stage == Stage::starting)
          act(Action::Kind::terminate, i);
      }
    }
    tick();
  }

  // A member that not even SIGKILL has ended in time (it hangs in the kernel) no longer holds the
  // stop up: the sandbox goes, and the process with it as soon as the kernel lets go of it.
  void give_up() {
    for (auto& container : state.containers) {
      if (container.stage != Stage::running && container.stage != Stage::starting) continue;
      container.stage = Stage::terminated;
      container.terminated =
          Termination{137, 9, "Error", "did not end after SIGKILL", container.started, {}};
    }
  }

  void tick() {
    if (state.stopping && state.killed && state.kill_at && now >= *state.kill_at + patience)
      give_up();
    if (state.stopping && state.kill_at && now >= *state.kill_at && !state.killed) {
      state.killed = true;
      for (std::size_t i = 0; i < machine.count_; ++i) {
        const auto stage = state.containers[i].stage;
        if (stage == Stage::running || stage == Stage::starting) act(Action::Kind::kill, i);
      }
    }
    if (!state.stopping && state.sandbox)
      for (std::size_t i = 0; i < machine.count_; ++i) {
        auto& container = state.containers[i];
        if (container.kill_at && now >= *container.kill_at) {
          container.kill_at.reset();
          act(Action::Kind::kill, i);
        }
        if (container.restart_at && now >= *container.restart_at) start(i);
      }
    settle();
  }

  void restart(std::size_t i, Duration grace) {
    auto& container = state.containers[i];
    if (state.stopping || !state.sandbox) return;
    if (container.stage == Stage::running || container.stage == Stage::starting) {
      container.restart_requested = true;
      container.kill_at = now + grace;
      act(Action::Kind::terminate, i);
    } else {
      start(i);
    }
    tick();
  }

  void sandbox_died(WallTime wall) {
    state.sandbox = false;
    // infra was PID 1: the kernel has ended every member with SIGKILL.
    for (std::size_t i = 0; i < machine.count_; ++i) {
      auto& container = state.containers[i];
      if (container.stage != Stage::running && container.stage != Stage::starting) continue;
      Termination end{
          137, 9, "ContainerStatusUnknown", "the pod's infra process died", container.started,
          wall};
      container.stage = Stage::terminated;
      container.terminated = std::move(end);
    }
    if (!state.stopping && machine.policy_ != RestartPolicy::never) {
      // As the kubelet does on a changed sandbox: everything anew, init containers included.
      for (auto& container : state.containers) {
        if (container.stage == Stage::terminated) container.last = std::move(container.terminated);
        container.terminated.reset();
        container.restart_at.reset();
        container.stage = Stage::waiting;
        container.waiting_reason = "SandboxChanged";
        container.waiting_message.clear();
      }
      state.initialized.reset();
      state.sandbox_ready.reset();
      act(Action::Kind::rebuild_sandbox);
      return;
    }
    state.stopping = true;
    settle();
  }
};

Lifecycle::Lifecycle(const Spec& spec, const BackoffPolicy& backoff)
    : init_count_(spec.init_containers.size()),
      count_(spec.init_containers.size() + spec.containers.size()),
      policy_(spec.restart_policy),
      backoff_(backoff) {}

PodState Lifecycle::initial() const {
  PodState state;
  state.containers.resize(count_);
  if (init_count_ == 0)
    for (auto& container : state.containers) container.waiting_reason = "ContainerCreating";
  return state;
}

std::vector<Action> Lifecycle::handle(PodState& state, const Event& event, Time now) const {
  Step step{*this, state, now, {}};
  if (const auto* up = std::get_if<event::SandboxUp>(&event)) {
    state.sandbox = true;
    state.sandbox_ready = up->wall;
    step.advance(up->wall);
  } else if (const auto* died = std::get_if<event::SandboxDied>(&event)) {
    step.sandbox_died(died->wall);
  } else if (const auto* started = std::get_if<event::Started>(&event)) {
    auto& container = state.containers[started->container];
    container.stage = Stage::running;
    container.waiting_reason.clear();
    container.started = started->wall;
    container.started_at = now;
    step.advance(started->wall);
  } else if (const auto* failed = std::get_if<event::StartFailed>(&event)) {
    step.ended(failed->container,
               {failed->exit_code, 0, failed->reason, failed->message, {}, failed->wall},
               Duration{0});
    step.advance(failed->wall);
  } else if (const auto* exited = std::get_if<event::Exited>(&event)) {
    auto& container = state.containers[exited->container];
    const char* reason = exited->oom_killed       ? "OOMKilled"
                         : exited->exit_code == 0 ? "Completed"
                                                  : "Error";
    step.ended(exited->container,
               {exited->exit_code, exited->signal, reason, {}, container.started, exited->wall},
               now - container.started_at);
    step.advance(exited->wall);
  } else if (const auto* stop = std::get_if<event::Stop>(&event)) {
    step.stop(stop->grace);
  } else if (const auto* restart = std::get_if<event::Restart>(&event)) {
    step.restart(restart->container, restart->grace);
  } else {
    step.tick();
  }
  return std::move(step.actions);
}

std::optional<Time> Lifecycle::next_wake(const PodState& state) const {
  std::optional<Time> wake;
  const auto consider = [&](const std::optional<Time>& time) {
    if (time && (!wake || *time < *wake)) wake = time;
  };
  if (state.stopping && state.kill_at && !state.finished)
    consider(state.killed ? *state.kill_at + patience : *state.kill_at);
  for (const auto& container : state.containers) {
    consider(container.restart_at);
    consider(container.kill_at);
  }
  return wake;
}

bool all_running(const PodState& state, std::size_t init_count) {
  return std::all_of(state.containers.begin() + static_cast<std::ptrdiff_t>(init_count),
                     state.containers.end(), [](const ContainerState& container) {
                       return container.launches > 0 && container.stage != Stage::starting;
                     });
}

int exit_code(const PodState& state) {
  for (const auto& container : state.containers) {
    if (container.terminated && container.terminated->exit_code != 0)
      return container.terminated->exit_code;
    if (!container.terminated && container.last && container.last->exit_code != 0)
      return container.last->exit_code;
  }
  return 0;
}

}  // namespace pausa::pod
