#include "pod/status.hpp"

#include "pod/quantity.hpp"
#include "pod/time_text.hpp"

#include <algorithm>

namespace pausa::pod {
namespace {

using Stage = ContainerState::Stage;

Node text(std::string_view value) {
  return Node::make_string(std::string(value));
}

std::string container_id(const Identity& identity, std::string_view name, std::uint32_t instance) {
  return "pausa://" + identity.uid + "/" + std::string(name) + "/" + std::to_string(instance);
}

Node terminated_node(const Termination& end, std::string id) {
  Node node = Node::make_map();
  node.set("containerID", Node::make_string(std::move(id)));
  node.set("exitCode", Node::make_integer(end.exit_code));
  node.set("finishedAt", Node::make_string(rfc3339(end.finished)));
  if (!end.message.empty()) node.set("message", text(end.message));
  node.set("reason", text(end.reason));
  if (end.signal != 0) node.set("signal", Node::make_integer(end.signal));
  node.set("startedAt", Node::make_string(rfc3339(end.started)));
  Node state = Node::make_map();
  state.set("terminated", std::move(node));
  return state;
}

// Not running yet for people: it is made, or its postStart hook is not through.
bool starting(const ContainerState& container) {
  return container.stage == Stage::starting ||
         (container.stage == Stage::running && container.hook == HookKind::post_start);
}

Node state_node(const ContainerState& container, const std::string& id) {
  Node state = Node::make_map();
  switch (starting(container) ? Stage::starting : container.stage) {
    case Stage::waiting:
    case Stage::starting: {
      Node waiting = Node::make_map();
      if (!container.waiting_message.empty())
        waiting.set("message", text(container.waiting_message));
      waiting.set("reason",
                  text(starting(container) ? "ContainerCreating" : container.waiting_reason));
      state.set("waiting", std::move(waiting));
      break;
    }
    case Stage::running: {
      Node running = Node::make_map();
      running.set("startedAt", Node::make_string(rfc3339(container.started)));
      state.set("running", std::move(running));
      break;
    }
    case Stage::terminated:
      return terminated_node(container.terminated.value_or(Termination{}), id);
  }
  return state;
}

// {"cpu": "500m", "memory": "128Mi"}, of what is given.
Node amounts(const std::optional<std::int64_t>& cpu_milli,
             const std::optional<std::int64_t>& memory_bytes) {
  Node node = Node::make_map();
  if (cpu_milli) {
    constexpr std::int64_t milli = 1000;
    constexpr std::int64_t nanos = 1'000'000;
    const Quantity cpu(*cpu_milli / milli, static_cast<std::int32_t>(*cpu_milli % milli * nanos),
                       Quantity::Format::decimal_si);
    node.set("cpu", Node::make_string(cpu.canonical()));
  }
  if (memory_bytes)
    node.set("memory",
             Node::make_string(Quantity(*memory_bytes, Quantity::Format::binary_si).canonical()));
  return node;
}

// What it has now, which a resize changes.
void set_resources(Node& status, const Resources& resources) {
  Node limits = amounts(resources.limit_cpu_milli, resources.limit_memory_bytes);
  Node requests = amounts(resources.request_cpu_milli, resources.request_memory_bytes);
  Node both = Node::make_map();
  if (!requests.entries.empty()) status.set("allocatedResources", requests);
  if (!limits.entries.empty()) both.set("limits", std::move(limits));
  if (!requests.entries.empty()) both.set("requests", std::move(requests));
  if (!both.entries.empty()) status.set("resources", std::move(both));
}

Node container_status(const Container& spec, const ContainerState& container, bool init,
                      const Identity& identity, std::size_t index) {
  // The current instance is the last one launched, unless that ended and awaits its successor.
  const bool current = container.stage != Stage::waiting;
  const std::uint32_t instances = container.launches;
  const std::string id =
      instances > 0 ? container_id(identity, spec.name, instances - 1) : std::string();
  Node node = Node::make_map();
  if (!id.empty()) node.set("containerID", text(id));
  node.set("image", text(spec.image));
  node.set("imageID", text(index < identity.image_ids.size() ? identity.image_ids[index] : ""));
  Node last = Node::make_map();
  if (container.last) {
    const std::uint32_t behind = current ? 2 : 1;
    last = terminated_node(
        *container.last,
        container_id(identity, spec.name, instances >= behind ? instances - behind : 0));
  }
  node.set("lastState", std::move(last));
  node.set("name", text(spec.name));
  const bool done = container.stage == Stage::terminated && container.terminated &&
                    container.terminated->exit_code == 0;
  node.set("ready", Node::make_boolean(init && !container.sidecar ? done : ready(container)));
  if (container.stage == Stage::running) set_resources(node, spec.resources);
  node.set("restartCount", Node::make_integer(container.restart_count));
  node.set("started", Node::make_boolean(container.stage == Stage::running && container.up));
  node.set("state", state_node(container, id));
  return node;
}

// ---- conditions

struct Condition {
  std::string_view type;
  bool holds = false;
  WallTime since{0};
  std::string reason;
  std::string message;
};

Node condition_node(const Condition& condition) {
  Node node = Node::make_map();
  node.set("lastProbeTime", Node());
  node.set("lastTransitionTime", Node::make_string(rfc3339(condition.since)));
  if (!condition.message.empty()) node.set("message", text(condition.message));
  if (!condition.reason.empty()) node.set("reason", text(condition.reason));
  node.set("status", text(condition.holds ? "True" : "False"));
  node.set("type", text(condition.type));
  return node;
}

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

Node conditions(const Pod& pod, const PodState& state, WallTime created) {
  const WallTime sandbox_since = state.sandbox
                                     ? state.sandbox_ready.value_or(created)
                                     : last_end(state, 0, state.containers.size(), created);
  Node list = Node::make_list();
  list.push(condition_node({"PodReadyToStartContainers", state.sandbox, sandbox_since, {}, {}}));
  list.push(condition_node(initialized_condition(pod, state, created)));
  const Condition containers = containers_ready(pod, state, created);
  list.push(condition_node(pod_ready(pod, state, containers)));
  list.push(condition_node(containers));
  list.push(condition_node({"PodScheduled", true, created, {}, {}}));
  for (const auto& gate : state.gates)
    list.push(condition_node({gate.type, gate.holds, gate.since, gate.reason, gate.message}));
  return list;
}

void set_ips(Node& status, const char* one, const char* all, const std::vector<std::string>& ips) {
  if (ips.empty()) return;
  status.set(one, text(ips.front()));
  Node list = Node::make_list();
  for (const auto& ip : ips) {
    Node entry = Node::make_map();
    entry.set("ip", text(ip));
    list.push(std::move(entry));
  }
  status.set(all, std::move(list));
}

// Adds what is not there; what the manifest says stays.
void set_if_absent(Node& map, std::string_view key, Node value) {
  if (const Node* present = map.find(key); present == nullptr || present->is_null())
    map.set(key, std::move(value));
}

std::string init_status(const ContainerState& container, std::size_t i, std::size_t count) {
  if (container.stage == Stage::terminated && container.terminated) {
    const auto& end = *container.terminated;
    if (!end.reason.empty()) return "Init:" + end.reason;
    return end.signal != 0 ? "Init:Signal:" + std::to_string(end.signal)
                           : "Init:ExitCode:" + std::to_string(end.exit_code);
  }
  if (container.stage == Stage::waiting && !container.waiting_reason.empty() &&
      container.waiting_reason != "PodInitializing" &&
      container.waiting_reason != "ContainerCreating")
    return "Init:" + container.waiting_reason;
  return "Init:" + std::to_string(i) + "/" + std::to_string(count);
}

}  // namespace

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

std::string_view qos_class(const Spec& spec) {
  bool any = false;
  bool guaranteed = true;
  const auto judge = [&](const Resources& r) {
    // A quantity of zero counts as none.
    const auto given = [](const std::optional<std::int64_t>& value) {
      return value && *value != 0;
    };
    any = any || given(r.limit_cpu_milli) || given(r.limit_memory_bytes) ||
          given(r.request_cpu_milli) || given(r.request_memory_bytes);
    guaranteed = guaranteed && given(r.limit_cpu_milli) && given(r.limit_memory_bytes) &&
                 r.request_cpu_milli.value_or(*r.limit_cpu_milli) == *r.limit_cpu_milli &&
                 r.request_memory_bytes.value_or(*r.limit_memory_bytes) == *r.limit_memory_bytes;
  };
  const auto& own = spec.resources;
  if (own.limit_cpu_milli || own.limit_memory_bytes || own.request_cpu_milli ||
      own.request_memory_bytes) {
    judge(own);
  } else {
    for (const auto* list : {&spec.init_containers, &spec.containers})
      for (const auto& container : *list) judge(container.resources);
  }
  if (!any) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}

Node pod_status(const Pod& pod, const PodState& state, const Identity& identity) {
  const std::size_t init = pod.spec.init_containers.size();
  Node status = Node::make_map();
  status.set("conditions", conditions(pod, state, identity.created));
  Node members = Node::make_list();
  Node initial = Node::make_list();
  Node ephemeral = Node::make_list();
  for (std::size_t i = 0; i < state.containers.size(); ++i) {
    const auto& container = state.containers[i];
    (i < init              ? initial
     : container.ephemeral ? ephemeral
                           : members)
        .push(container_status(container_at(pod.spec, i), container, i < init, identity, i));
  }
  status.set("containerStatuses", std::move(members));
  if (!ephemeral.items.empty()) status.set("ephemeralContainerStatuses", std::move(ephemeral));
  set_ips(status, "hostIP", "hostIPs", identity.host_ips);
  if (init > 0) status.set("initContainerStatuses", std::move(initial));
  if (!state.message.empty()) status.set("message", text(state.message));
  status.set("phase", text(phase_name(state.phase)));
  if (!state.finished) set_ips(status, "podIP", "podIPs", identity.pod_ips);
  status.set("qosClass", text(qos_class(pod.spec)));
  if (!state.reason.empty()) status.set("reason", text(state.reason));
  status.set("startTime", Node::make_string(rfc3339(identity.created)));
  return status;
}

Node pod_object(const Node& object, const Pod& pod, const PodState& state,
                const Identity& identity) {
  Node result = Node::make_map();
  result.set("apiVersion", text("v1"));
  result.set("kind", text("Pod"));
  Node metadata = Node::make_map();
  metadata.set("creationTimestamp", Node::make_string(rfc3339(identity.created)));
  if (const Node* given = object.find("metadata"); given != nullptr)
    for (const auto& entry : given->entries)
      if (entry.key != "creationTimestamp" && entry.key != "uid")
        metadata.set(entry.key, entry.value);
  set_if_absent(metadata, "name", text(pod.metadata.name));
  set_if_absent(metadata, "namespace", text(pod.metadata.namespace_));
  metadata.set("uid", text(identity.uid));
  result.set("metadata", std::move(metadata));
  if (const Node* spec = object.find("spec"); spec != nullptr) result.set("spec", *spec);
  if (!identity.node_name.empty())
    set_if_absent(result.set("spec"), "nodeName", text(identity.node_name));
  result.set("status", pod_status(pod, state, identity));
  return result;
}

std::string short_status(const PodState& state, std::size_t init_count) {
  if (state.stopping && !state.completing && !state.finished) return "Terminating";
  std::string reason(state.reason.empty() ? phase_name(state.phase)
                                          : std::string_view(state.reason));
  for (std::size_t i = 0; i < init_count; ++i) {
    const auto& container = state.containers[i];
    if (container.sidecar && (container.up || state.initialized)) continue;
    if (container.stage == Stage::terminated && container.terminated &&
        container.terminated->exit_code == 0)
      continue;
    return init_status(container, i, init_count);
  }
  bool any_ready = false;
  for (std::size_t i = first_ephemeral(state); i-- > init_count;) {
    const auto& container = state.containers[i];
    if (starting(container)) {
      reason = "ContainerCreating";
    } else if (container.stage == Stage::waiting && !container.waiting_reason.empty()) {
      reason = container.waiting_reason;
    } else if (container.stage == Stage::terminated && container.terminated) {
      const auto& end = *container.terminated;
      if (!end.reason.empty())
        reason = end.reason;
      else
        reason = end.signal != 0 ? "Signal:" + std::to_string(end.signal)
                                 : "ExitCode:" + std::to_string(end.exit_code);
    } else if (ready(container)) {
      any_ready = true;
    }
  }
  // A member that is done does not hide those that run.
  if (reason == "Completed" && any_ready)
    return std::all_of(
               state.containers.begin() + static_cast<std::ptrdiff_t>(init_count),
               state.containers.begin() + static_cast<std::ptrdiff_t>(first_ephemeral(state)),
               ready)
               ? "Running"
               : "NotReady";
  return reason;
}

Restarts restarts(const PodState& state) {
  Restarts all;
  for (const auto& container : state.containers) {
    all.count += container.restart_count;
    if (container.restart_count > 0 && container.last)
      all.last = std::max(all.last, container.last->finished);
  }
  return all;
}

std::string age_text(std::chrono::nanoseconds age) {
  using namespace std::chrono;
  const auto seconds = std::max<std::int64_t>(0, duration_cast<std::chrono::seconds>(age).count());
  const auto minutes = seconds / 60;
  const auto hours = minutes / 60;
  const auto days = hours / 24;
  const auto two = [](std::int64_t a, const char* unit, std::int64_t b, const char* smaller) {
    return std::to_string(a) + unit + (b != 0 ? std::to_string(b) + smaller : "");
  };
  if (seconds < 120) return std::to_string(seconds) + "s";
  if (minutes < 10) return two(minutes, "m", seconds % 60, "s");
  if (hours < 3) return std::to_string(minutes) + "m";
  if (hours < 8) return two(hours, "h", minutes % 60, "m");
  if (hours < 48) return std::to_string(hours) + "h";
  if (days < 8) return two(days, "d", hours % 24, "h");
  if (days < 2 * 365) return std::to_string(days) + "d";
  return two(days / 365, "y", days % 365, "d");
}

}  // namespace pausa::pod
