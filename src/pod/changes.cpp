#include "pod/changes.hpp"

#include "pod/decode.hpp"
#include "pod/qos.hpp"

#include <algorithm>
#include <map>
#include <string_view>

namespace pausa::pod {
namespace {

const Node& at(const Node& node, std::string_view key) {
  static const Node nothing;
  const Node* found = node.find(key);
  return found == nullptr ? nothing : *found;
}

bool same(const Node& a, const Node& b) {
  if (a.kind != b.kind) return false;
  if (a.is_list())
    return std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(), same);
  if (!a.is_map()) return a == b;
  return a.entries.size() == b.entries.size() &&
         std::all_of(a.entries.begin(), a.entries.end(), [&b](const Entry& entry) {
           const Node* other = b.find(entry.key);
           return other != nullptr && same(entry.value, *other);
         });
}

// The first key whose value differs, of those that `counts`; empty: none does.
template <typename Counts>
std::string differing(const Node& a, const Node& b, Counts counts) {
  for (const auto* map : {&a, &b})
    for (const auto& entry : map->entries)
      if (counts(entry.key) && !same(at(a, entry.key), at(b, entry.key))) return entry.key;
  return {};
}

void compare_metadata(const Node& now, const Node& wanted, Changes& changes) {
  const auto ours = [](std::string_view key) { return key.starts_with("pausa/"); };
  if (const auto key = differing(at(now, "annotations"), at(wanted, "annotations"), ours);
      !key.empty())
    changes.recreate = "metadata.annotations[" + key + "]";
  for (const char* field : {"labels", "annotations"})
    changes.metadata = changes.metadata || !same(at(now, field), at(wanted, field));
}

// Whether the new resources can be had as the container lives: of the kinds that it has, and where
// its resizePolicy does not want a start.
bool resizes_in_place(const Container& now, const Container& wanted) {
  const Resources& a = now.resources;
  const Resources& b = wanted.resources;
  const bool same_kinds = a.limit_cpu_milli.has_value() == b.limit_cpu_milli.has_value() &&
                          a.request_cpu_milli.has_value() == b.request_cpu_milli.has_value() &&
                          a.limit_memory_bytes.has_value() == b.limit_memory_bytes.has_value();
  const bool cpu =
      a.limit_cpu_milli != b.limit_cpu_milli || a.request_cpu_milli != b.request_cpu_milli;
  const bool memory = a.limit_memory_bytes != b.limit_memory_bytes ||
                      a.request_memory_bytes != b.request_memory_bytes;
  return same_kinds && !(cpu && wanted.cpu_needs_restart) &&
         !(memory && wanted.memory_needs_restart);
}

bool of_resources(std::string_view key) {
  return key == "resources" || key == "resizePolicy";
}

bool of_the_program(std::string_view key) {
  return !of_resources(key) && key != "ports";
}

// Probes and Services find a port by its name; of the others nothing inside the pod takes notice.
bool same_named_ports(const Container& now, const Container& wanted) {
  const auto named = [](const Container& container) {
    std::map<std::string_view, std::pair<std::uint16_t, Protocol>> ports;
    for (const auto& port : container.ports)
      if (!port.name.empty()) ports[port.name] = {port.container_port, port.protocol};
    return ports;
  };
  return named(now) == named(wanted);
}

// field: containers or initContainers. Of init containers only a sidecar may change as the pod
// lives, and only its resources: the others have done what they were to do.
void compare_containers(const Node& now, const Node& wanted, const char* field, Changes& changes) {
  const Node& a = at(at(now, "spec"), field);
  const Node& b = at(at(wanted, "spec"), field);
  if (same(a, b)) return;
  const std::string path = std::string("spec.") + field;
  const auto same_name = [](const Node& one, const Node& other) {
    return same(at(one, "name"), at(other, "name"));
  };
  if (!std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(), same_name)) {
    changes.recreate = path;
    return;
  }
  Diagnostics faults;
  const Spec spec = decode_pod(now, faults).spec;
  const Spec wanted_spec = decode_pod(wanted, faults).spec;
  const bool init = std::string_view(field) == "initContainers";
  const auto& before = init ? spec.init_containers : spec.containers;
  const auto& after = init ? wanted_spec.init_containers : wanted_spec.containers;
  for (std::size_t i = 0; i < a.items.size(); ++i) {
    if (same(a.items[i], b.items[i])) continue;
    const bool resized = !differing(a.items[i], b.items[i], of_resources).empty();
    const bool in_place = differing(a.items[i], b.items[i], of_the_program).empty() &&
                          (!resized || resizes_in_place(before[i], after[i])) &&
                          same_named_ports(before[i], after[i]);
    if (init && (!in_place || after[i].restart != ContainerRestart::always)) {
      changes.recreate = path;
      return;
    }
    if (!in_place) changes.restart.push_back(after[i].name);
    if (in_place && resized) changes.resize.push_back(after[i].name);
    if (in_place && !same(at(a.items[i], "ports"), at(b.items[i], "ports")))
      changes.publish.push_back(after[i].name);
    // On it depends who goes first when memory runs out; that stays as it was at the start.
    if (changes.recreate.empty() && qos_class(spec) != qos_class(wanted_spec))
      changes.recreate = path + "[" + std::to_string(i) + "].resources";
  }
}

}  // namespace

Changes compare(const Node& now, const Node& wanted) {
  Changes changes;
  compare_metadata(at(now, "metadata"), at(wanted, "metadata"), changes);
  const Node& spec = at(now, "spec");
  const Node& wanted_spec = at(wanted, "spec");
  const auto counts = [](std::string_view key) {
    return key != "containers" && key != "initContainers";
  };
  if (const auto field = differing(spec, wanted_spec, counts); !field.empty())
    changes.recreate = "spec." + field;
  for (const char* field : {"initContainers", "containers"})
    compare_containers(now, wanted, field, changes);
  return changes;
}

}  // namespace pausa::pod
