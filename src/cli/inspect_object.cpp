#include "cli/inspect_object.hpp"

#include "cli/command.hpp"
#include "pod/status.hpp"
#include "supervisor/stored_pod.hpp"
#include "supervisor/surroundings.hpp"
#include "sys/error.hpp"
#include "sys/process.hpp"

namespace pausa::cli {
namespace {

using pod::Node;
using Stage = pod::ContainerState::Stage;

Node process_node(const sys::ProcessId& process) {
  Node node = Node::make_map();
  node.set("pid", sys::alive(process) ? Node::make_integer(process.pid) : Node());
  return node;
}

bool known(const sys::NamespaceInodes& inodes) {
  for (const auto inode : inodes)
    if (inode != 0) return true;
  return false;
}

supervisor::StoredPod stored_pod_of(const state::Store& store, const state::Record& record) {
  try {
    return supervisor::read_living_pod(store, record);
  } catch (const supervisor::PodGone& gone) {
    throw NoSuchObject(gone.what());
  }
}

Node pausa_node(const state::Store& store, const state::Record& record) {
  Node infra = process_node(record.infra);
  const auto now = namespaces_of(record.infra);
  infra.set("namespaces",
            namespaces_node(sys::alive(record.infra) && !known(now) ? record.namespaces : now));
  Node containers = Node::make_map();
  const std::string logs = store.paths().data_dir(record.key) + "/logs/";
  for (std::size_t i = 0; i < record.containers.size(); ++i) {
    const auto& container = record.containers[i];
    Node node = process_node(container.process);
    node.set("namespaces", namespaces_node(namespaces_of(container.process)));
    node.set("cgroup",
             record.cgroup.empty() ? Node() : Node::make_string(record.cgroup_of(container)));
    const auto launches = record.state.containers[i].launches;
    node.set("log", launches == 0 ? Node()
                                  : Node::make_string(logs + container.name + "/" +
                                                      std::to_string(launches - 1)));
    containers.set(container.name, std::move(node));
  }
  Node ours = Node::make_map();
  ours.set("containers", std::move(containers));
  ours.set("guard", process_node(record.guard));
  ours.set("infra", std::move(infra));
  ours.set("supervisor", process_node(record.supervisor));
  return ours;
}

}  // namespace

state::Record as_of_now(state::Record record) {
  if (record.state.finished || record.boot_id == sys::boot_id() || sys::alive(record.supervisor))
    return record;
  return ended_unheard(std::move(record), "the machine was restarted");
}

state::Record ended_unheard(state::Record record, const std::string& why) {
  record.infra = record.supervisor = record.guard = {};
  auto& state = record.state;
  for (std::size_t i = 0; i < state.containers.size(); ++i) {
    auto& container = state.containers[i];
    record.containers[i].process = {};
    container.restart_at.reset();
    if (container.stage != Stage::running && container.stage != Stage::starting) continue;
    container.stage = Stage::terminated;
    container.terminated = pod::Termination{
        137, 9, "ContainerStatusUnknown", why, container.started, container.started};
  }
  state.sandbox = false;
  state.stopping = true;
  state.finished = true;
  state.phase = pod::Phase::failed;
  state.reason = "Stopped";
  state.message = why;
  return record;
}

sys::NamespaceInodes namespaces_of(const sys::ProcessId& process) {
  return sys::alive(process) ? sys::namespace_inodes(process.pid) : sys::NamespaceInodes{};
}

Node namespaces_node(const sys::NamespaceInodes& inodes) {
  Node node = Node::make_map();
  for (std::size_t i = 0; i < inodes.size(); ++i)
    node.set(sys::namespace_kinds[i].name,
             inodes[i] != 0 ? Node::make_integer(static_cast<std::int64_t>(inodes[i])) : Node());
  return node;
}

Node inspect_object(const state::Store& store, const state::Record& record) {
  const auto stored = stored_pod_of(store, record);
  if (pod::container_count(stored.pod.spec) != record.state.containers.size())
    throw sys::Error("pod " + record.key.name + ": its stored manifest is damaged");
  pod::Identity identity;
  identity.uid = record.uid;
  identity.created = pod::WallTime(record.created_ns);
  const supervisor::PodSurroundings surroundings(stored.pod, store, record);
  identity.node_name = surroundings.node_name();
  identity.host_ips = surroundings.host_ips();
  identity.pod_ips = surroundings.pod_ips();
  for (const auto& container : record.containers) identity.image_ids.push_back(container.image);
  Node object = pod::pod_object(stored.object, stored.pod, record.state, identity);
  object.set("pausa", pausa_node(store, record));
  return object;
}

Node inspect_without_record(const state::Store& store, const state::PodKey& key) {
  auto stored = supervisor::read_stored_pod(store, key);
  Node status = Node::make_map();
  status.set("message", Node::make_string("the machine was restarted; pausa start " + key.name +
                                          " starts the pod again"));
  // Kubernetes' phase of a pod whose state cannot be obtained.
  status.set("phase", Node::make_string("Unknown"));
  status.set("reason", Node::make_string("Stopped"));
  Node& metadata = stored.object.set("metadata");
  if (metadata.find("namespace") == nullptr)
    metadata.set("namespace", Node::make_string(key.namespace_));
  stored.object.set("status", std::move(status));
  Node ours = Node::make_map();
  ours.set("containers", Node::make_map());
  for (const char* name : {"guard", "infra", "supervisor"}) ours.set(name, process_node({}));
  stored.object.set("pausa", std::move(ours));
  return std::move(stored.object);
}

}  // namespace pausa::cli
