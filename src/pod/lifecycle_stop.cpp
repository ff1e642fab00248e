// Ends: of one container, by hook, signal and SIGKILL, and of the pod, sidecars last.
#include "pod/lifecycle_step.hpp"

#include <algorithm>

namespace pausa::pod {
namespace {

// How long a killed member may take to die.
constexpr Duration patience = std::chrono::seconds(1);
// What is left for the signal where a hook, or the wait for others, has used up the grace.
constexpr Duration late = std::chrono::milliseconds(500);

}  // namespace

// All containers, those that ended by themselves included: nothing is started from here on.
void Lifecycle::Step::stop(Duration grace, Cause cause) {
  const Time kill_at = now + grace;
  // A second, shorter stop wins; a longer one does not prolong what was promised.
  if (state.stopping && state.kill_at && *state.kill_at <= kill_at) return;
  state.kill_at = kill_at;
  state.stopping = true;
  for (auto& container : state.containers) container.restart_at.reset();
  for (std::size_t i = 0; i < machine.count(); ++i)
    if (active(i)) end(i, kill_at, cause);
  tick();
}

void Lifecycle::Step::end(std::size_t i, Time kill_at, Cause cause) {
  auto& container = state.containers[i];
  set_ready(i, false);
  for (auto& probe : container.probes) end_probe(probe);
  if (container.ending != Ending::no) {
    if (container.ending == Ending::killed) return;
    if (kill_at <= now) return kill(i);
    if (container.kill_at) container.kill_at = std::min(*container.kill_at, kill_at);
    return;
  }
  act(Action::Kind::tell_killing, i).cause = cause;
  if (container.hook) act(Action::Kind::cancel_hook, i).hook = *container.hook;
  container.hook.reset();
  container.kill_at = kill_at;
  if (kill_at <= now) return kill(i);
  if (spec(i).health.pre_stop && container.stage == Stage::running) {
    container.ending = Ending::pre_stop;
    container.hook = HookKind::pre_stop;
    act(Action::Kind::run_hook, i).hook = HookKind::pre_stop;
    return;
  }
  pre_stop_done(i);
}

// The next step of an ending whose time is over.
void Lifecycle::Step::end_step(std::size_t i) {
  auto& container = state.containers[i];
  switch (container.ending) {
    case Ending::pre_stop:
      act(Action::Kind::cancel_hook, i).hook = HookKind::pre_stop;
      container.hook.reset();
      [[fallthrough]];
    case Ending::turn:
      signal(i);
      container.kill_at = now + late;
      return;
    case Ending::signalled:
    case Ending::no:
      return kill(i);
    case Ending::killed:
      container.kill_at.reset();
      if (state.stopping) give_up(i);
      return;
  }
}

void Lifecycle::Step::pre_stop_done(std::size_t i) {
  auto& container = state.containers[i];
  container.hook.reset();
  if (state.stopping && waits_for_its_turn(i))
    container.ending = Ending::turn;
  else
    signal(i);
}

void Lifecycle::Step::signal(std::size_t i) {
  state.containers[i].ending = Ending::signalled;
  act(Action::Kind::terminate, i);
}

void Lifecycle::Step::kill(std::size_t i) {
  auto& container = state.containers[i];
  if (container.hook) act(Action::Kind::cancel_hook, i).hook = *container.hook;
  container.hook.reset();
  container.ending = Ending::killed;
  container.kill_at = now + patience;
  act(Action::Kind::kill, i);
}

// Sidecars serve the others to the end, and those that were started after them.
bool Lifecycle::Step::waits_for_its_turn(std::size_t i) const {
  if (!is_sidecar(i)) return false;
  for (std::size_t j = 0; j < machine.count(); ++j)
    if (active(j) && (!is_sidecar(j) || j > i)) return true;
  return false;
}

void Lifecycle::Step::give_turns() {
  for (std::size_t i = 0; i < machine.count(); ++i)
    if (state.containers[i].ending == Ending::turn && !waits_for_its_turn(i)) signal(i);
}

// A member that not even SIGKILL has ended in time (it hangs in the kernel) no longer holds the
// stop up: the sandbox goes, and the process with it as soon as the kernel lets go of it.
void Lifecycle::Step::give_up(std::size_t i) {
  auto& container = state.containers[i];
  if (!active(i)) return;
  container.stage = Stage::terminated;
  container.terminated =
      Termination{137, 9, "Error", "did not end after SIGKILL", container.started, {}};
  give_turns();
}

void Lifecycle::Step::tick() {
  if (state.finished) return;
  if (state.deadline && now >= *state.deadline)
    fail("DeadlineExceeded", "Pod was active on the node longer than the specified deadline",
         grace());
  for (std::size_t i = 0; i < machine.count(); ++i) {
    auto& container = state.containers[i];
    if (container.kill_at && now >= *container.kill_at && active(i)) end_step(i);
    check_what_is_due(i);
    if (!state.stopping && !state.restarting_all && container.restart_at &&
        now >= *container.restart_at)
      container.restart_at.reset();
  }
  advance();
}

// The pod is ended for what it did, and will have failed however its containers end; not before:
// what it holds is free only then.
void Lifecycle::Step::fail(const char* reason, std::string message, Duration grace) {
  if (state.stopping) return;
  state.completing = true;
  state.reason = reason;
  state.message = std::move(message);
  stop(grace, Cause::stop);
}

// The phase, and the end of the pod when there is nothing more to come.
void Lifecycle::Step::settle() {
  if (state.finished) return;
  const auto begin = state.containers.begin();
  const auto mains = begin + static_cast<std::ptrdiff_t>(machine.init_count());
  const auto ephemeral = begin + static_cast<std::ptrdiff_t>(first_ephemeral(state));
  if (state.phase == Phase::pending &&
      std::any_of(mains, ephemeral,
                  [](const ContainerState& container) { return container.started.count() != 0; }))
    state.phase = Phase::running;
  const bool mains_ended = std::all_of(mains, ephemeral, [](const ContainerState& container) {
    return container.stage == Stage::terminated;
  });
  bool any = false;
  for (std::size_t i = 0; i < machine.count(); ++i) any = any || active(i);
  if (state.restarting_all && !state.stopping) {
    if (any) return;
    state.restarting_all = false;
    begin_anew("PodInitializing");
    return advance();
  }
  if (!state.stopping && mains_ended && any) {
    state.completing = true;
    return stop(grace(), Cause::stop);
  }
  if (!any && (state.stopping || mains_ended)) finish();
}

void Lifecycle::Step::finish() {
  state.finished = true;
  bool failed = !state.reason.empty();
  for (auto& container : state.containers) {
    container.restart_at.reset();
    container.kill_at.reset();
    if (waits_for_missing(container)) {  // no more
      container.waiting_reason = "ContainerCreating";
      container.waiting_message.clear();
    }
    if (container.sidecar || container.ephemeral) continue;
    failed = failed || container.stage != Stage::terminated || container.terminated->exit_code != 0;
  }
  state.phase = failed ? Phase::failed : Phase::succeeded;
  if (state.sandbox) act(Action::Kind::tear_down);
}

}  // namespace pausa::pod
