#include "cli/prune.hpp"

#include "cli/image_mounts.hpp"
#include "cli/pod_images.hpp"
#include "image/image.hpp"
#include "pod/decode.hpp"
#include "pod/workload.hpp"
#include "state/job_store.hpp"
#include "state/journal.hpp"
#include "supervisor/user_namespace.hpp"
#include "sys/error.hpp"

#include <algorithm>

namespace pausa::cli {
namespace {

std::optional<pod::Spec> spec_of(pod::Node object, pod::WorkloadKind kind) {
  const auto* pod_template = pod::template_of(object, kind);
  if (pod_template == nullptr) return std::nullopt;
  pod::Diagnostics findings;
  return pod::decode_pod(*pod_template, findings).spec;
}

std::set<std::string> names_of_jobs(const state::Store& store) {
  std::set<std::string> names;
  const image::Library library(store.paths().root);
  for (const auto& job : jobs_to_come(store))
    for (const auto& wanted : wanted_images(job.spec)) {
      names.insert(wanted.image);
      auto parsed = image::parse_reference(wanted.image);
      if (const auto* reference = std::get_if<image::Reference>(&parsed))
        if (const auto stored = library.find(*reference)) names.insert(stored->name);
    }
  return names;
}

}  // namespace

std::vector<JobToCome> jobs_to_come(const state::Store& store) {
  std::vector<JobToCome> found;
  const state::JobStore jobs(store.paths());
  for (const auto& key : jobs.list())
    if (auto job = jobs.read(key); job && !job->state.finished)
      if (auto spec = spec_of(std::move(job->object), pod::WorkloadKind::job))
        found.push_back({key.namespace_, std::move(*spec)});
  for (const auto& key : jobs.list_cron_jobs())
    if (auto object = jobs.read_cron_job(key))
      if (auto spec = spec_of(std::move(*object), pod::WorkloadKind::cron_job))
        found.push_back({key.namespace_, std::move(*spec)});
  return found;
}

std::set<std::string> digests_in_use(const state::Store& store,
                                     const std::vector<state::PodKey>& leaving) {
  std::set<std::string> digests;
  std::vector<state::Damaged> damaged;
  const auto add = [&digests](const std::string& image) {
    if (const auto at = image.rfind('@'); at != std::string::npos)
      digests.insert(image.substr(at + 1));
  };
  for (const auto& record : store.list(&damaged)) {
    if (std::find(leaving.begin(), leaving.end(), record.key) != leaving.end()) continue;
    for (const auto& container : record.containers) add(container.image);
    for (const auto& volume : record.volumes) add(volume.image);
  }
  for (const auto& journal : state::Journals(store.paths()).list())
    for (const auto& before : journal.pods) {
      for (const auto& image : before.images) add(image);
      for (const auto& volume : before.volumes) add(volume.image);
    }
  for (auto& digest : mounted_images(store.paths())) digests.insert(std::move(digest));
  if (!damaged.empty()) throw sys::Error(damaged.front().why);
  return digests;
}

std::optional<image::Pruning> begin_pruning(const state::Store& store, bool unused,
                                            const std::vector<state::PodKey>& leaving,
                                            sys::UniqueFd alone) {
  image::PruneWish wish;
  wish.in_use = [&] { return digests_in_use(store, leaving); };
  if (unused)
    // Asked under the lock, so that no Job is written meanwhile.
    wish.wanted =
        [&store, names = std::optional<std::set<std::string>>()](const std::string& name) mutable {
          if (!names) names = names_of_jobs(store);
          return names->contains(name);
        };
  return image::Library(store.paths().root).begin_pruning(wish, std::move(alone));
}

void carry_out(const image::Pruning& pruning) {
  // Files of an image belong to many ids. (The locks are open descriptions, which a child shares.)
  supervisor::with_subordinate_ids([&] { pruning.carry_out(); });
}

}  // namespace pausa::cli
