// From running to up and ready, and back: hooks after the start, and probes.
#include "pod/lifecycle_step.hpp"

#include <algorithm>

namespace pausa::pod {
namespace {

ProbeState& state_of(ContainerState& container, ProbeKind kind) {
  return container.probes[static_cast<std::size_t>(kind)];
}

}  // namespace

void Lifecycle::Step::post_start_done(std::size_t i, bool success) {
  auto& container = state.containers[i];
  if (container.hook != HookKind::post_start) return;
  container.hook.reset();
  if (success)
    set_up(i);
  else
    end(i, now + grace(), Cause::post_start);
  advance();
}

// The container runs and its hook is done: probes begin, the startup probe alone at first.
void Lifecycle::Step::set_up(std::size_t i) {
  auto& container = state.containers[i];
  if (container.ending != Ending::no) return;
  const auto& health = spec(i).health;
  if (health.probe(ProbeKind::startup) && !state_of(container, ProbeKind::startup).result) {
    begin(i, ProbeKind::startup);
    return;
  }
  container.up = true;
  begin(i, ProbeKind::liveness);
  begin(i, ProbeKind::readiness);
  if (!health.probe(ProbeKind::readiness)) set_ready(i, true);
}

void Lifecycle::Step::set_ready(std::size_t i, bool ready) {
  auto& container = state.containers[i];
  if (container.ready == ready) return;
  container.ready = ready;
  container.ready_since = wall;
}

void Lifecycle::Step::begin(std::size_t i, ProbeKind kind) {
  auto& container = state.containers[i];
  const auto& probe = spec(i).health.probe(kind);
  if (!probe) return;
  begin_probe(state_of(container, kind), *probe, kind, container.started_at, now,
              machine.exact_probes_);
  check_what_is_due(i);
}

void Lifecycle::Step::check_what_is_due(std::size_t i) {
  auto& container = state.containers[i];
  if (container.stage != Stage::running || container.ending != Ending::no) return;
  for (const auto kind : {ProbeKind::startup, ProbeKind::liveness, ProbeKind::readiness}) {
    const auto& probe = spec(i).health.probe(kind);
    if (!probe) continue;
    auto& of_probe = state_of(container, kind);
    const auto due = probe_due(of_probe);
    if (!due || *due > now) continue;
    check_begins(of_probe, *probe, now);
    act(Action::Kind::check, i).probe = kind;
  }
}

void Lifecycle::Step::probe_done(std::size_t i, ProbeKind kind, bool success) {
  auto& container = state.containers[i];
  const auto& probe = spec(i).health.probe(kind);
  if (!probe || container.stage != Stage::running || container.ending != Ending::no) return;
  auto& of_probe = state_of(container, kind);
  const auto change = check_ends(of_probe, *probe, success, container.started_at, now);
  if (change.counted && !success) act(Action::Kind::tell_unhealthy, i).probe = kind;
  if (!change.turned) return;
  switch (kind) {
    case ProbeKind::readiness:
      set_ready(i, success);
      return;
    case ProbeKind::startup:
      end_probe(of_probe);
      if (success) set_up(i);
      break;
    case ProbeKind::liveness:
      break;
  }
  if (!success)
    end(i, now + probe->grace_period.value_or(machine.spec_->termination_grace_period),
        kind == ProbeKind::startup ? Cause::startup : Cause::liveness);
  advance();
}

void Lifecycle::Step::set_gate(const GateState& gate) {
  auto known = std::find_if(state.gates.begin(), state.gates.end(),
                            [&](const GateState& other) { return other.type == gate.type; });
  const bool changes = known == state.gates.end() || known->holds != gate.holds;
  const WallTime since = changes ? wall : known->since;
  if (known == state.gates.end()) known = state.gates.insert(known, GateState());
  *known = gate;
  known->since = since;
}

// What was under way died with the supervisor before, and is begun again; its results stay.
void Lifecycle::Step::resume() {
  for (std::size_t i = 0; i < machine.count(); ++i) {
    auto& container = state.containers[i];
    if (container.stage != Stage::running) continue;
    if (container.hook) act(Action::Kind::run_hook, i).hook = *container.hook;
    if (container.hook == HookKind::post_start || container.ending != Ending::no) continue;
    for (const auto kind : {ProbeKind::startup, ProbeKind::liveness, ProbeKind::readiness}) {
      const auto& probe = spec(i).health.probe(kind);
      if (!probe || (kind == ProbeKind::startup) == container.up) continue;
      resume_probe(state_of(container, kind), *probe, container.started_at, now);
    }
    check_what_is_due(i);
  }
  // A signal that was sent already does no harm.
  for (std::size_t i = 0; i < machine.count(); ++i) {
    if (!active(i)) continue;
    if (state.containers[i].ending == Ending::signalled) act(Action::Kind::terminate, i);
    if (state.containers[i].ending == Ending::killed) act(Action::Kind::kill, i);
  }
  tick();
}

}  // namespace pausa::pod
