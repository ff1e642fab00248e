#include "cli/inspect_object.hpp"

#include "manifest/reader.hpp"
#include "pod/decode.hpp"
#include "pod/status.hpp"
#include "sys/error.hpp"
#include "sys/process.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <unistd.h>

#include <array>
#include <memory>

namespace pausa::cli {
namespace {

using pod::Node;
using Stage = pod::ContainerState::Stage;

std::string node_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

// The machine's first addresses of each family that others can reach.
std::vector<std::string> host_ips() {
  std::vector<std::string> ips;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return ips;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, &::freeifaddrs);
  for (const int family : {AF_INET, AF_INET6}) {
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
      if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != family) continue;
      if ((entry->ifa_flags & IFF_LOOPBACK) != 0 || (entry->ifa_flags & IFF_UP) == 0) continue;
      std::array<char, INET6_ADDRSTRLEN> text{};
      const void* address = nullptr;
      if (family == AF_INET) {
        address = &reinterpret_cast<const sockaddr_in*>(entry->ifa_addr)->sin_addr;
      } else {
        const auto* six = &reinterpret_cast<const sockaddr_in6*>(entry->ifa_addr)->sin6_addr;
        if (IN6_IS_ADDR_LINKLOCAL(six)) continue;
        address = six;
      }
      if (::inet_ntop(family, address, text.data(), text.size()) == nullptr) continue;
      ips.emplace_back(text.data());
      break;
    }
  }
  return ips;
}

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
    node.set("cgroup", record.cgroup.empty() ? Node() : Node::make_string(container.cgroup));
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

StoredPod require_stored(const state::Store& store, const state::PodKey& key) {
  auto stored = stored_pod(store, key);
  if (!stored) throw sys::Error("pod " + key.name + ": its stored manifest is gone");
  return std::move(*stored);
}

}  // namespace

std::optional<StoredPod> stored_pod(const state::Store& store, const state::PodKey& key) {
  auto text = store.read_manifest(key);
  if (!text) return std::nullopt;
  auto read = manifest::read({{"manifest.json", std::move(*text), "/"}});
  if (read.documents.size() != 1 || pod::has_errors(read.diagnostics))
    throw sys::Error("pod " + key.name + ": its stored manifest is damaged");
  StoredPod stored;
  stored.object = std::move(read.documents.front().root);
  pod::Diagnostics findings;
  stored.pod = pod::decode_pod(stored.object, findings);
  return stored;
}

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
  const auto stored = require_stored(store, record.key);
  const auto& spec = stored.pod.spec;
  if (spec.init_containers.size() + spec.containers.size() != record.state.containers.size())
    throw sys::Error("pod " + record.key.name + ": its stored manifest is damaged");
  pod::Identity identity;
  identity.uid = record.uid;
  identity.created = pod::WallTime(record.created_ns);
  identity.node_name = node_name();
  identity.host_ips = host_ips();
  if (spec.host_network) identity.pod_ips = identity.host_ips;
  for (const auto& container : record.containers) identity.image_ids.push_back(container.image);
  Node object = pod::pod_object(stored.object, stored.pod, record.state, identity);
  object.set("pausa", pausa_node(store, record));
  return object;
}

Node inspect_without_record(const state::Store& store, const state::PodKey& key) {
  auto stored = require_stored(store, key);
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
