#include "cli/workloads.hpp"

#include "cli/command.hpp"
#include "cli/pod_words.hpp"
#include "cli/remove_pod.hpp"
#include "state/object_store.hpp"
#include "supervisor/stored_pod.hpp"

#include <algorithm>
#include <cctype>

namespace pausa::cli {
namespace {

// "web-2" before "web-10".
bool in_order(const state::PodKey& a, const state::PodKey& b) {
  const auto digits = [](const std::string& name) {
    return name.size() - (name.find_last_not_of("0123456789") + 1);
  };
  const auto stem = [&digits](const std::string& name) {
    return std::string_view(name).substr(0, name.size() - digits(name));
  };
  if (stem(a.name) == stem(b.name) && a.name.size() != b.name.size())
    return a.name.size() < b.name.size();
  return a.name < b.name;
}

std::string owner_of_workload(const manifest::LoadedWorkload& entry) {
  return pod::workload_words(entry.workload.kind, entry.workload.metadata.name);
}

}  // namespace

std::string owner_of(const state::Store& store, const state::PodKey& key) {
  const auto manifest = store.read_manifest(key);
  return manifest ? pod::owner_in(*manifest) : std::string();
}

std::vector<state::PodKey> pods_owned_by(const state::Store& store, const std::string& namespace_,
                                         const std::string& owner) {
  std::vector<state::PodKey> keys;
  for (auto& key : store.list_keys())
    if (key.namespace_ == namespace_ && owner_of(store, key) == owner)
      keys.push_back(std::move(key));
  std::sort(keys.begin(), keys.end(), in_order);
  return keys;
}

std::optional<WorkloadName> workload_named(const state::Store& store, const std::string& word,
                                           const std::optional<std::string>& namespace_) {
  const auto slash = word.find('/');
  const auto kind = pod::workload_resource(word.substr(0, slash));
  if (!kind || slash == std::string::npos) return std::nullopt;
  // A pod may be called "job", too: it goes before a kind.
  auto as_pod = parse_target(word, namespace_);
  if (pod_exists(store, as_pod.key)) return std::nullopt;
  auto inner = parse_target(word.substr(slash + 1), namespace_);
  return WorkloadName{*kind, std::move(inner.key), std::move(inner.container)};
}

std::vector<Target> targets_of(const state::Store& store, const std::string& word,
                               const std::optional<std::string>& namespace_) {
  const auto named = workload_named(store, word, namespace_);
  if (!named) return {parse_target(word, namespace_)};
  std::vector<Target> targets;
  for (auto& key : pods_owned_by(store, named->key.namespace_, named->owner()))
    targets.push_back({std::move(key), named->container});
  if (targets.empty())
    throw NoSuchObject("no pods of " + named->owner() + " in namespace " + named->key.namespace_);
  return targets;
}

Target target_of(const state::Store& store, const std::string& word,
                 const std::optional<std::string>& namespace_) {
  return targets_of(store, word, namespace_).front();
}

std::vector<state::PodKey> surplus_pods(const state::Store& store,
                                        const manifest::LoadResult& loaded) {
  auto keys = workload_pods(store, loaded);
  std::erase_if(keys, [&loaded](const state::PodKey& key) {
    return std::any_of(loaded.pods.begin(), loaded.pods.end(), [&key](const auto& entry) {
      return entry.pod.metadata.name == key.name && entry.pod.metadata.namespace_ == key.namespace_;
    });
  });
  return keys;
}

std::vector<pod::Object> surplus_claims(const state::Store& store,
                                        const manifest::LoadResult& loaded,
                                        const std::vector<state::PodKey>& surplus) {
  std::vector<pod::Object> claims;
  const state::ObjectStore objects(store.paths());
  for (const auto& entry : loaded.workloads) {
    if (!entry.workload.drop_claims_scaled) continue;
    for (const auto& key : surplus) {
      const auto stored = supervisor::find_stored_pod(store, key);
      if (!stored || owner_of(store, key) != owner_of_workload(entry)) continue;
      for (const auto& volume : stored->pod.spec.volumes)
        if (const auto* const claim = std::get_if<pod::ClaimVolume>(&volume.source);
            claim != nullptr && claim->claim == volume.name + "-" + key.name)
          if (auto object = objects.find(pod::ObjectKind::claim, key.namespace_, claim->claim))
            claims.push_back(std::move(*object));
    }
  }
  return claims;
}

std::vector<Turn> turns_of(const manifest::LoadResult& loaded, const std::vector<PodPlan>& plans) {
  std::vector<Turn> turns(plans.size(), Turn::any);
  const auto replaced = [&plans](std::size_t i) {
    return plans[i].kind == PodPlan::Kind::update || plans[i].kind == PodPlan::Kind::recreate;
  };
  for (const auto& entry : loaded.workloads) {
    const std::string owner = owner_of_workload(entry);
    std::optional<std::size_t> before;
    for (std::size_t i = 0; i < plans.size(); ++i) {
      const auto& pod = loaded.pods[i];
      if (pod.owner != owner || pod.pod.metadata.namespace_ != entry.workload.metadata.namespace_)
        continue;
      if (before && plans[i].kind != PodPlan::Kind::keep) {
        if (entry.workload.in_order)
          turns[i] = Turn::after_ready;
        else if (replaced(i) && replaced(*before) && !entry.workload.all_at_once)
          turns[i] = Turn::after_running;
      }
      before = i;
    }
  }
  return turns;
}

std::vector<state::PodKey> workload_pods(const state::Store& store,
                                         const manifest::LoadResult& loaded) {
  std::vector<state::PodKey> keys;
  for (const auto& entry : loaded.workloads) {
    if (!pod::keeps_pods(entry.workload.kind)) continue;
    for (auto& key :
         pods_owned_by(store, entry.workload.metadata.namespace_, owner_of_workload(entry)))
      keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace pausa::cli
