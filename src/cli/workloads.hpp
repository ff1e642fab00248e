// The pods of a Deployment, a StatefulSet, a Job…, which name their owner in their manifests.
#pragma once

#include "cli/plan_pod.hpp"
#include "cli/target.hpp"
#include "manifest/load.hpp"
#include "state/store.hpp"

#include <optional>
#include <string>
#include <vector>

namespace pausa::cli {

// "deployment/web", as a pod's manifest says it; empty: the pod stands for itself.
std::string owner_of(const state::Store& store, const state::PodKey& key);

// The pods that it has, those that ended too, in the order of their numbers.
std::vector<state::PodKey> pods_owned_by(const state::Store& store, const std::string& namespace_,
                                         const std::string& owner);

// What a word of the command line names: a pod, a container, or with KIND/NAME[/CONTAINER] the pods
// of a workload (never none: throws NoSuchObject then).
std::vector<Target> targets_of(const state::Store& store, const std::string& word,
                               const std::optional<std::string>& namespace_);
// The first of them, for verbs that act on one pod.
Target target_of(const state::Store& store, const std::string& word,
                 const std::optional<std::string>& namespace_);

// KIND/NAME of a workload as a word of the command line; nullopt: it names a pod.
struct WorkloadName {
  pod::WorkloadKind kind;
  state::PodKey key;
  std::string container;
  std::string owner() const { return pod::workload_words(kind, key.name); }
};
std::optional<WorkloadName> workload_named(const state::Store& store, const std::string& word,
                                           const std::optional<std::string>& namespace_);

// Pods of the manifest's workloads that the manifest has no longer (fewer replicas). They go when
// the others stand.
std::vector<state::PodKey> surplus_pods(const state::Store& store,
                                        const manifest::LoadResult& loaded);
// The claims that go with them.
std::vector<pod::Object> surplus_claims(const state::Store& store,
                                        const manifest::LoadResult& loaded,
                                        const std::vector<state::PodKey>& surplus);
// Every pod of those of the manifest's workloads that keep theirs, those that it has no longer as
// well.
std::vector<state::PodKey> workload_pods(const state::Store& store,
                                         const manifest::LoadResult& loaded);

// When a pod of a set may be started, or changed.
enum class Turn : std::uint8_t {
  any,
  after_running,  // the one of its workload before it runs
  after_ready     // … and is ready
};
// Of the manifest's pods, as the plans are.
std::vector<Turn> turns_of(const manifest::LoadResult& loaded, const std::vector<PodPlan>& plans);

}  // namespace pausa::cli
