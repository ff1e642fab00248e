#include "pod/status.hpp"

#include "pod/qos.hpp"
#include "pod/quantity.hpp"
#include "pod/time_text.hpp"

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

Node condition_list(const Pod& pod, const PodState& state, WallTime created) {
  Node list = Node::make_list();
  for (const auto& condition : conditions(pod, state, created))
    list.push(condition_node(condition));
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

}  // namespace

Node pod_status(const Pod& pod, const PodState& state, const Identity& identity) {
  const std::size_t init = pod.spec.init_containers.size();
  Node status = Node::make_map();
  status.set("conditions", condition_list(pod, state, identity.created));
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

}  // namespace pausa::pod
