#include "pod/changes.hpp"

#include <algorithm>
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

void compare_containers(const Node& now, const Node& wanted, Changes& changes) {
  const auto same_name = [](const Node& a, const Node& b) {
    return same(at(a, "name"), at(b, "name"));
  };
  if (!std::equal(now.items.begin(), now.items.end(), wanted.items.begin(), wanted.items.end(),
                  same_name)) {
    changes.recreate = "spec.containers";
    return;
  }
  for (std::size_t i = 0; i < now.items.size(); ++i) {
    const Node& a = now.items[i];
    const Node& b = wanted.items[i];
    if (same(a, b)) continue;
    // The pod's own limits are the sums of its containers'.
    if (!same(at(a, "resources"), at(b, "resources")) && changes.recreate.empty())
      changes.recreate = "spec.containers[" + std::to_string(i) + "].resources";
    changes.restart.push_back(at(b, "name").text);
  }
}

}  // namespace

Changes compare(const Node& now, const Node& wanted) {
  Changes changes;
  compare_metadata(at(now, "metadata"), at(wanted, "metadata"), changes);
  const Node& spec = at(now, "spec");
  const Node& wanted_spec = at(wanted, "spec");
  const auto counts = [](std::string_view key) { return key != "containers"; };
  if (const auto field = differing(spec, wanted_spec, counts); !field.empty())
    changes.recreate = "spec." + field;
  compare_containers(at(spec, "containers"), at(wanted_spec, "containers"), changes);
  return changes;
}

}  // namespace pausa::pod
