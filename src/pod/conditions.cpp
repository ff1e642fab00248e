#include "pod/conditions.hpp"

#include <algorithm>

namespace pausa::pod {
namespace {

using Stage = ContainerState::Stage;

// When the last of these ended; `otherwise` when none has.
WallTime last_end(const PodState& state, std::size_t begin, std::size_t end, WallTime otherwise) {
  WallTime last = otherwise;
  for (std::size_t i = begin; i < end; ++i) {
    const auto& container = state.containers[i];
    for (const auto* ended : {&container.terminated, &container.last})
      if (*ended) last = std::max(last, (*ended)->finished);
  }
  return last;
}

std::string list_of(const std::vector<std::string>& names, std::string_view what) {
  std::string message = "containers with " + std::string(what) + " status: [";
  for (std::size_t i = 0; i < names.size(); ++i) message += (i > 0 ? " " : "") + names[i];
  return message + "]";
}

Condition initialized_condition(const Pod& pod, const PodState& state, WallTime created) {
  Condition condition{
      "Initialized", state.initialized.has_value(), state.initialized.value_or(created), {}, {}};
  if (state.phase == Phase::succeeded) condition.reason = "PodCompleted";
  if (condition.holds) return condition;
  std::vector<std::string> incomplete;
  for (std::size_t i = 0; i < pod.spec.init_containers.size(); ++i) {
    const auto& container = state.containers[i];
    const auto& end = container.terminated;
    if (container.sidecar ? !container.up : !end || end->exit_code != 0)
      incomplete.push_back(pod.spec.init_containers[i].name);
  }
  condition.reason = "ContainersNotInitialized";
  condition.message = list_of(incomplete, "incomplete");
  return condition;
}

// Sidecars count as much as the others.
Condition containers_ready(const Pod& pod, const PodState& state, WallTime created) {
  const std::size_t init = pod.spec.init_containers.size();
  Condition condition{"ContainersReady", false, created, {}, {}};
  if (state.finished && state.phase == Phase::succeeded) {
    condition.reason = "PodCompleted";
    condition.since = last_end(state, 0, state.containers.size(), created);
    return condition;
  }
  std::vector<std::string> unready;
  WallTime since = created;
  WallTime lost = last_end(state, init, first_ephemeral(state), created);
  for (std::size_t i = 0; i < first_ephemeral(state); ++i) {
    const auto& container = state.containers[i];
    if (i < init && !container.sidecar) continue;
    since = std::max(since, container.ready_since);
    if (ready(container)) continue;
    lost = std::max(lost, container.ready_since);
    unready.push_back(container_at(pod.spec, i).name);
  }
  condition.holds = unready.empty() && !state.finished && state.sandbox;
  condition.since = condition.holds ? since : lost;
  if (condition.holds) return condition;
  if (state.finished && state.phase == Phase::failed) {
    condition.reason = "PodFailed";
    return condition;
  }
  condition.reason = "ContainersNotReady";
  condition.message = list_of(unready, "unready");
  return condition;
}

const GateState* find_gate(const PodState& state, const std::string& type) {
  const auto found = std::find_if(state.gates.begin(), state.gates.end(),
                                  [&](const GateState& gate) { return gate.type == type; });
  return found == state.gates.end() ? nullptr : &*found;
}

Condition pod_ready(const Pod& pod, const PodState& state, Condition condition) {
  condition.type = "Ready";
  if (!condition.holds) return condition;
  std::vector<std::string> missing;
  for (const auto& type : pod.spec.readiness_gates) {
    const auto* gate = find_gate(state, type);
    if (gate != nullptr) condition.since = std::max(condition.since, gate->since);
    if (gate != nullptr && gate->holds) continue;
    if (!condition.message.empty()) condition.message += ", ";
    condition.message += "corresponding condition of pod readiness gate \"" + type + "\" " +
                         (gate == nullptr ? "does not exist." : "is not True.");
  }
  condition.holds = condition.message.empty();
  if (!condition.holds) condition.reason = "ReadinessGatesNotReady";
  return condition;
}

}  // namespace

bool starting(const ContainerState& container) {
  return container.stage == Stage::starting ||
         (container.stage == Stage::running && container.hook == HookKind::post_start);
}

bool ready(const ContainerState& container) {
  return container.stage == Stage::running && container.ready;
}

bool pod_is_ready(const Pod& pod, const PodState& state) {
  return pod_ready(pod, state, containers_ready(pod, state, WallTime{0})).holds;
}

Count ready_count(const PodState& state, std::size_t init_count) {
  Count count;
  for (std::size_t i = 0; i < first_ephemeral(state); ++i) {
    const auto& container = state.containers[i];
    if (i < init_count && !container.sidecar) continue;
    ++count.all;
    if (ready(container)) ++count.ready;
  }
  return count;
}

std::vector<Condition> conditions(const Pod& pod, const PodState& state, WallTime created) {
  const WallTime sandbox_since = state.sandbox
                                     ? state.sandbox_ready.value_or(created)
                                     : last_end(state, 0, state.containers.size(), created);
  const Condition containers = containers_ready(pod, state, created);
  std::vector<Condition> all{{"PodReadyToStartContainers", state.sandbox, sandbox_since, {}, {}},
                             initialized_condition(pod, state, created),
                             pod_ready(pod, state, containers),
                             containers,
                             {"PodScheduled", true, created, {}, {}}};
  for (const auto& gate : state.gates)
    all.push_back({gate.type, gate.holds, gate.since, gate.reason, gate.message});
  return all;
}

}  // namespace pausa::pod
