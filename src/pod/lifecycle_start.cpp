// Who is started when, and again: init containers one by one, sidecars on the way, then the others.
#include "pod/duration.hpp"
#include "pod/lifecycle_step.hpp"

#include <algorithm>

namespace pausa::pod {
namespace {

constexpr Duration sync_period = std::chrono::seconds(10);
constexpr Duration shortest_pull_wait = std::chrono::seconds(1);

bool idle(const ContainerState& container) {
  return container.stage == Stage::waiting && !container.restart_at;
}

// 10 s, then twice as long each time, up to 5 min (with the usual policy). Never none at all, which
// would ask a registry as fast as it answers.
Duration next_pull_wait(Duration last, const BackoffPolicy& policy) {
  return std::max(last.count() == 0 ? policy.initial : std::min(last * 2, policy.maximum),
                  shortest_pull_wait);
}

bool succeeded(const ContainerState& container) {
  return container.stage == Stage::terminated && container.terminated->exit_code == 0;
}

}  // namespace

bool is_image_reason(std::string_view reason) {
  return reason == pull_error || reason == pull_back_off || reason == never_pull_error;
}

bool waits_for_missing(const ContainerState& container) {
  return container.stage == Stage::waiting &&
         (container.waiting_reason == config_error || is_image_reason(container.waiting_reason));
}

// Starts what can be started, and finds out whether the pod is done.
void Lifecycle::Step::advance() {
  if (state.finished) return;
  if (!state.stopping && !state.restarting_all && state.sandbox) {
    std::size_t through = 0;
    while (through < machine.init_count() && init_is_through(through)) ++through;
    if (through == machine.init_count() && !state.initialized) state.initialized = wall;
    if (state.initialized) {
      // A sidecar that ended meanwhile holds nobody back any more.
      for (std::size_t i = through; i < machine.init_count(); ++i)
        if (is_sidecar(i) && idle(state.containers[i])) start(i);
      for (std::size_t i = machine.init_count(); i < first_ephemeral(state); ++i) {
        const auto& container = state.containers[i];
        if (idle(container)) start(i);
        // The next one may count on what the hook does.
        if (spec(i).health.post_start &&
            (container.stage == Stage::starting || container.hook == HookKind::post_start))
          break;
      }
    }
    for (std::size_t i = first_ephemeral(state); i < machine.count(); ++i)
      if (idle(state.containers[i])) start(i);
  }
  settle();
}

// Whether the init container lets those behind it begin; starts it if not, or sees the pod fail.
bool Lifecycle::Step::init_is_through(std::size_t i) {
  const auto& container = state.containers[i];
  if (idle(container)) start(i);
  if (container.sidecar) {
    if (container.up || state.stopping) return container.up;
    // One that has to be started again does not hold back what it let pass before.
    const auto& next = state.containers[i + 1];
    return next.stage != Stage::waiting || next.restart_at;
  }
  if (succeeded(container)) return true;
  if (container.stage == Stage::terminated) {
    state.completing = true;
    stop(grace(), Cause::stop);
  }
  return false;
}

void Lifecycle::Step::start(std::size_t i) {
  auto& container = state.containers[i];
  if (container.stage == Stage::terminated) container.last = std::move(container.terminated);
  container.terminated.reset();
  container.restart_at.reset();
  container.kill_at.reset();
  container.ending = Ending::no;
  container.hook.reset();
  container.restart_requested = false;
  if (container.launches > 0) ++container.restart_count;
  ++container.launches;
  container.stage = Stage::starting;
  container.waiting_reason = "ContainerCreating";
  container.waiting_message.clear();
  act(Action::Kind::start, i);
}

void Lifecycle::Step::started(std::size_t i) {
  auto& container = state.containers[i];
  container.stage = Stage::running;
  container.waiting_reason.clear();
  container.pull_wait = Duration{0};
  container.started = wall;
  container.started_at = now;
  if (container.ending == Ending::no && spec(i).health.post_start) {
    container.hook = HookKind::post_start;
    act(Action::Kind::run_hook, i).hook = HookKind::post_start;
  } else {
    set_up(i);
  }
  advance();
}

// Whether a container for whose end there is no rule is started again.
bool Lifecycle::Step::restarts(std::size_t i, const Termination& end) const {
  if (state.containers[i].ephemeral) return false;
  const bool failed = end.exit_code != 0;
  switch (spec(i).restart) {
    case ContainerRestart::always:
      return true;
    case ContainerRestart::on_failure:
      return failed;
    case ContainerRestart::never:
      return false;
    case ContainerRestart::as_pod:
      break;
  }
  switch (machine.spec_->restart_policy) {
    case RestartPolicy::always:
      return failed || !is_init(i);
    case RestartPolicy::on_failure:
      return failed;
    case RestartPolicy::never:
      return false;
  }
  return false;
}

void Lifecycle::Step::ended(std::size_t i, Termination end, Duration ran) {
  auto& container = state.containers[i];
  container.kill_at.reset();
  container.ending = Ending::no;
  container.hook.reset();
  container.up = false;
  set_ready(i, false);
  for (auto& probe : container.probes) probe = ProbeState{};
  const bool goes_on = !state.stopping && !state.restarting_all;
  const auto& rules = spec(i).restart_rules;
  const auto rule = std::find_if(rules.begin(), rules.end(), [&](const RestartRule& candidate) {
    return candidate.fits(end.exit_code);
  });
  if (goes_on && container.restart_requested) {
    container.terminated = std::move(end);
    container.stage = Stage::terminated;
    container.backoff = Backoff{};
    start(i);
  } else if (goes_on && rule != rules.end() && rule->all) {
    restart_all(i, std::move(end), ran);
  } else if (goes_on && (rule != rules.end() || restarts(i, end))) {
    start_later(i, std::move(end), ran);
  } else {
    container.terminated = std::move(end);
    container.stage = Stage::terminated;
  }
  give_turns();
  advance();
}

// Now, or after its back-off.
void Lifecycle::Step::start_later(std::size_t i, Termination end, Duration ran) {
  auto& container = state.containers[i];
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
  container.waiting_message = "back-off " + duration_text(wait) + " restarting failed container";
  container.restart_at = now + wait;
  act(Action::Kind::tell_back_off, i);
}

// The start did not take place: it counts neither as one nor as a failure, and is tried again as
// often as the kubelet looks after a pod; a pull, after its back-off.
void Lifecycle::Step::config_fault(const event::ConfigFault& fault) {
  const std::size_t i = fault.container;
  auto& container = state.containers[i];
  if (container.stage != Stage::starting) return;
  if (--container.launches > 0) --container.restart_count;
  container.stage = Stage::waiting;
  container.waiting_reason = fault.reason;
  container.waiting_message = fault.message;
  container.ending = Ending::no;
  container.kill_at.reset();
  Duration wait = sync_period;
  if (fault.reason == pull_error) {
    if (container.pull_wait.count() != 0) {
      container.waiting_reason = pull_back_off;
      const auto& image = fault.image.empty() ? spec(i).image : fault.image;
      container.waiting_message =
          "Back-off pulling image \"" + image + "\": " + pull_error + ": " + fault.message;
    }
    wait = container.pull_wait = next_pull_wait(container.pull_wait, machine.backoff_);
    if (!state.stopping) act(Action::Kind::tell_back_off, i);
  }
  if (!state.stopping) container.restart_at = now + wait;
  give_turns();
  advance();
}

void Lifecycle::Step::config_changed() {
  for (auto& container : state.containers)
    if (waits_for_missing(container)) container.restart_at.reset();
  advance();
}

// Ends the others at once, without hooks and graces; when nothing runs any more all begins with the
// first init container. Only the one that asked for it has a back-off.
void Lifecycle::Step::restart_all(std::size_t i, Termination end, Duration ran) {
  state.restarting_all = true;
  auto& container = state.containers[i];
  container.terminated = std::move(end);
  container.stage = Stage::terminated;
  const Duration wait = container.backoff.advance(machine.backoff_, ran);
  if (wait.count() != 0) {
    container.restart_at = now + wait;
    act(Action::Kind::tell_back_off, i);
  }
  for (std::size_t j = 0; j < machine.count(); ++j)
    if (active(j)) this->end(j, now, Cause::restart_all);
}

// Back to the first init container, with the back-offs that are.
void Lifecycle::Step::begin_anew(const char* reason) {
  for (auto& container : state.containers) {
    if (container.ephemeral) continue;
    if (container.stage == Stage::terminated) container.last = std::move(container.terminated);
    container.terminated.reset();
    if (waits_for_missing(container)) container.restart_at.reset();
    container.stage = Stage::waiting;
    container.waiting_reason = container.restart_at ? "CrashLoopBackOff" : reason;
    container.waiting_message.clear();
  }
  state.initialized.reset();
}

// Asked for by the user: whatever the policy, and without back-off.
void Lifecycle::Step::restart(std::size_t i, Duration grace) {
  auto& container = state.containers[i];
  if (state.stopping || state.restarting_all || !state.sandbox || container.ephemeral) return;
  if (active(i)) {
    container.restart_requested = true;
    end(i, now + grace, Cause::restart);
  } else {
    container.backoff = Backoff{};
    start(i);
  }
  tick();
}

void Lifecycle::Step::sandbox_died() {
  state.sandbox = false;
  state.restarting_all = false;
  // infra was PID 1: the kernel has ended every member with SIGKILL.
  for (std::size_t i = 0; i < machine.count(); ++i) {
    auto& container = state.containers[i];
    container.hook.reset();
    container.ending = Ending::no;
    container.kill_at.reset();
    container.up = false;
    set_ready(i, false);
    for (auto& probe : container.probes) probe = ProbeState{};
    if (!active(i)) continue;
    container.terminated = Termination{
        137, 9, "ContainerStatusUnknown", "the pod's infra process died", container.started, wall};
    container.stage = Stage::terminated;
  }
  if (!state.stopping && machine.spec_->restart_policy != RestartPolicy::never) {
    // As the kubelet does on a changed sandbox: everything anew, init containers included.
    for (auto& container : state.containers) container.restart_at.reset();
    begin_anew("SandboxChanged");
    state.sandbox_ready.reset();
    act(Action::Kind::rebuild_sandbox);
    return;
  }
  state.stopping = true;
  settle();
}

}  // namespace pausa::pod
