#include "pod/lifecycle_step.hpp"

#include <algorithm>

namespace pausa::pod {

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

Lifecycle::Lifecycle(const Spec& spec, const BackoffPolicy& backoff, bool exact_probes)
    : spec_(&spec), backoff_(backoff), exact_probes_(exact_probes) {}

PodState Lifecycle::initial() const {
  PodState state;
  state.containers.resize(count());
  for (std::size_t i = 0; i < init_count(); ++i)
    state.containers[i].sidecar = spec_->init_containers[i].restart == ContainerRestart::always;
  if (init_count() == 0)
    for (auto& container : state.containers) container.waiting_reason = "ContainerCreating";
  return state;
}

std::vector<Action> Lifecycle::handle(PodState& state, const Event& event, Time now) const {
  Step step{*this, state, now};
  if (const auto* up = std::get_if<event::SandboxUp>(&event)) {
    step.wall = up->wall;
    state.sandbox = true;
    state.sandbox_ready = up->wall;
    if (spec_->active_deadline && !state.deadline) state.deadline = now + *spec_->active_deadline;
    step.advance();
  } else if (const auto* died = std::get_if<event::SandboxDied>(&event)) {
    step.wall = died->wall;
    step.sandbox_died();
  } else if (const auto* started = std::get_if<event::Started>(&event)) {
    step.wall = started->wall;
    step.started(started->container);
  } else if (const auto* failed = std::get_if<event::StartFailed>(&event)) {
    step.wall = failed->wall;
    step.ended(failed->container,
               {failed->exit_code, 0, failed->reason, failed->message, {}, failed->wall},
               Duration{0});
  } else if (const auto* fault = std::get_if<event::ConfigFault>(&event)) {
    step.wall = fault->wall;
    step.config_fault(*fault);
  } else if (const auto* changed = std::get_if<event::ConfigChanged>(&event)) {
    step.wall = changed->wall;
    step.config_changed();
  } else if (const auto* exited = std::get_if<event::Exited>(&event)) {
    step.wall = exited->wall;
    const auto& container = state.containers[exited->container];
    const char* reason = exited->oom_killed       ? "OOMKilled"
                         : exited->exit_code == 0 ? "Completed"
                                                  : "Error";
    step.ended(exited->container,
               {exited->exit_code, exited->signal, reason, exited->message, container.started,
                exited->wall},
               now - container.started_at);
  } else if (const auto* hook = std::get_if<event::HookDone>(&event)) {
    step.wall = hook->wall;
    if (hook->kind == HookKind::post_start)
      step.post_start_done(hook->container, hook->success);
    else if (state.containers[hook->container].ending == ContainerState::Ending::pre_stop)
      step.pre_stop_done(hook->container);  // a hook that fails stops nothing
  } else if (const auto* probe = std::get_if<event::ProbeDone>(&event)) {
    step.wall = probe->wall;
    step.probe_done(probe->container, probe->kind, probe->success);
  } else if (const auto* stop = std::get_if<event::Stop>(&event)) {
    step.wall = stop->wall;
    state.completing = false;
    step.stop(stop->grace, Cause::stop);
  } else if (const auto* restart = std::get_if<event::Restart>(&event)) {
    step.wall = restart->wall;
    step.restart(restart->container, restart->grace);
  } else if (const auto* added = std::get_if<event::Added>(&event)) {
    step.wall = added->wall;
    step.advance();
  } else if (const auto* set = std::get_if<event::SetGate>(&event)) {
    step.wall = set->wall;
    step.set_gate(set->gate);
  } else if (const auto* evict = std::get_if<event::Evict>(&event)) {
    step.wall = evict->wall;
    step.fail("Evicted", evict->message, Duration{0});
  } else if (std::holds_alternative<event::Resume>(event)) {
    step.resume();
  } else {
    step.wall = std::get<event::Tick>(event).wall;
    step.tick();
  }
  return std::move(step.actions);
}

std::optional<Time> Lifecycle::next_wake(const PodState& state) const {
  std::optional<Time> wake;
  const auto consider = [&](const std::optional<Time>& time) {
    if (time && (!wake || *time < *wake)) wake = time;
  };
  if (state.finished) return wake;
  if (!state.stopping) consider(state.deadline);
  for (const auto& container : state.containers) {
    if (!state.restarting_all) consider(container.restart_at);
    consider(container.kill_at);
    if (container.stage != ContainerState::Stage::running) continue;
    for (const auto& probe : container.probes) consider(probe_due(probe));
  }
  return wake;
}

std::size_t first_ephemeral(const PodState& state) {
  std::size_t count = state.containers.size();
  while (count > 0 && state.containers[count - 1].ephemeral) --count;
  return count;
}

bool all_running(const PodState& state, std::size_t init_count) {
  return std::all_of(state.containers.begin() + static_cast<std::ptrdiff_t>(init_count),
                     state.containers.end(), [](const ContainerState& container) {
                       return container.ephemeral ||
                              (container.launches > 0 &&
                               container.stage != ContainerState::Stage::starting &&
                               container.hook != HookKind::post_start);
                     });
}

int exit_code(const PodState& state) {
  for (const auto& container : state.containers) {
    if (container.sidecar || container.ephemeral) continue;
    if (container.terminated && container.terminated->exit_code != 0)
      return container.terminated->exit_code;
    if (!container.terminated && container.last && container.last->exit_code != 0)
      return container.last->exit_code;
  }
  return state.finished && state.phase == Phase::failed && !state.reason.empty() ? 1 : 0;
}

}  // namespace pausa::pod
