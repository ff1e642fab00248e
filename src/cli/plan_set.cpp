#include "cli/plan_set.hpp"

#include "cli/jobs.hpp"
#include "cli/pod_words.hpp"
#include "cli/workloads.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

namespace pausa::cli {
namespace {

namespace fs = std::filesystem;

std::string folder_path(const std::string& path) {
  std::error_code error;
  std::string absolute = fs::absolute(path, error).lexically_normal();
  while (absolute.size() > 1 && absolute.ends_with('/')) absolute.pop_back();
  return absolute;
}

// The origins that are ours: of the sources that were read, and of those that a folder once had.
class Origins {
 public:
  Origins(const manifest::LoadResult& loaded, const std::vector<std::string>& files) {
    for (const auto& source : loaded.sources)
      if (auto origin = origin_of(source); !origin.empty()) paths_.insert(std::move(origin));
    std::error_code error;
    for (const auto& file : files)
      if (file != "-" && fs::is_directory(file, error)) folders_.insert(folder_path(file));
  }

  bool contain(const std::string& origin) const {
    return !origin.empty() && (paths_.contains(origin) ||
                               folders_.contains(origin.substr(0, origin.find_last_of('/'))));
  }

 private:
  std::set<std::string> paths_, folders_;
};

std::string_view word(ObjectPlan::Kind kind) {
  switch (kind) {
    case ObjectPlan::Kind::create:
      return "create";
    case ObjectPlan::Kind::update:
      return "update";
    case ObjectPlan::Kind::keep:
      break;
  }
  return "keep";
}

bool named(const manifest::LoadResult& loaded, const state::PodKey& key) {
  return std::any_of(loaded.pods.begin(), loaded.pods.end(), [&](const auto& entry) {
    return entry.pod.metadata.name == key.name && entry.pod.metadata.namespace_ == key.namespace_;
  });
}

bool named(const manifest::LoadResult& loaded, pod::WorkloadKind kind, const state::PodKey& key) {
  return std::any_of(loaded.workloads.begin(), loaded.workloads.end(), [&](const auto& entry) {
    const auto& metadata = entry.workload.metadata;
    return entry.workload.kind == kind && metadata.name == key.name &&
           metadata.namespace_ == key.namespace_;
  });
}

bool named(const manifest::LoadResult& loaded, const pod::Object& object) {
  return std::any_of(loaded.objects.begin(), loaded.objects.end(), [&](const auto& entry) {
    return entry.object.kind == object.kind && entry.object.metadata.name == object.metadata.name &&
           entry.object.metadata.namespace_ == object.metadata.namespace_;
  });
}

}  // namespace

std::string origin_of(const manifest::Source& source) {
  if (source.name == "-" || source.name == "/dev/stdin") return source.folder / "-";
  if (source.name.starts_with("/dev/fd/") || source.name.starts_with("/proc/")) return {};
  return source.folder / fs::path(source.name).filename();
}

Leftovers find_leftovers(const state::Store& store, const manifest::LoadResult& loaded,
                         const std::vector<std::string>& files, bool claims) {
  const Origins origins(loaded, files);
  Leftovers found;
  for (auto& key : every_pod(store))
    if (!named(loaded, key) && origins.contain(store.read_origin(key)))
      found.pods.push_back(std::move(key));
  const state::ObjectStore objects(store.paths());
  for (const auto kind : pod::all_object_kinds) {
    if (kind == pod::ObjectKind::claim && !claims) continue;
    for (auto& object : objects.list(kind))
      if (!named(loaded, object) && origins.contain(object_origin(object)))
        found.objects.push_back(std::move(object));
  }
  const state::JobStore jobs(store.paths());
  for (auto& key : jobs.list())
    if (const auto job = named(loaded, pod::WorkloadKind::job, key) ? std::nullopt : jobs.read(key);
        job && origins.contain(node_origin(job->object)))
      found.jobs.push_back(std::move(key));
  for (auto& key : jobs.list_cron_jobs()) {
    if (named(loaded, pod::WorkloadKind::cron_job, key)) continue;
    const auto object = jobs.read_cron_job(key);
    if (!object || !origins.contain(node_origin(*object))) continue;
    for (auto& job : jobs_of_cron_job(store, key)) found.jobs.push_back(std::move(job));
    found.cron_jobs.push_back(std::move(key));
  }
  return found;
}

void SetPlan::add(Leftovers more) {
  for (auto& key : more.pods)
    if (std::find(leftovers.pods.begin(), leftovers.pods.end(), key) == leftovers.pods.end())
      leftovers.pods.push_back(std::move(key));
  for (auto& object : more.objects) leftovers.objects.push_back(std::move(object));
  leftovers.jobs = std::move(more.jobs);
  leftovers.cron_jobs = std::move(more.cron_jobs);
}

bool SetPlan::differs() const {
  const auto changes = [](const auto& plan) {
    return plan.kind != std::decay_t<decltype(plan)>::Kind::keep;
  };
  return std::any_of(objects.begin(), objects.end(), changes) ||
         std::any_of(pods.begin(), pods.end(), changes) || !leftovers.pods.empty() ||
         !leftovers.objects.empty() || !leftovers.jobs.empty() || !leftovers.cron_jobs.empty();
}

SetPlan plan_set(const state::Store& store, const manifest::LoadResult& loaded) {
  SetPlan plan;
  std::vector<std::string> origins;
  for (const auto& source : loaded.sources) origins.push_back(origin_of(source));
  plan.objects = plan_objects(state::ObjectStore(store.paths()), loaded.objects, origins);
  for (const auto& entry : loaded.pods)
    plan.pods.push_back(
        plan_pod(store, {entry.pod.metadata.namespace_, entry.pod.metadata.name}, entry.object));
  plan.leftovers.pods = surplus_pods(store, loaded);
  plan.leftovers.objects = surplus_claims(store, loaded, plan.leftovers.pods);
  return plan;
}

std::string plan_text(const SetPlan& plan, const manifest::LoadResult& loaded) {
  std::string text;
  for (const auto& object : plan.objects)
    text += object_words(object.object) + ": " + std::string(word(object.kind)) + "\n";
  for (std::size_t i = 0; i < plan.pods.size(); ++i) {
    const auto& metadata = loaded.pods[i].pod.metadata;
    text += plan_text({metadata.namespace_, metadata.name}, plan.pods[i]) + "\n";
  }
  for (const auto& key : plan.leftovers.pods) text += key.name + ": remove\n";
  for (const auto& key : plan.leftovers.jobs) text += "job/" + key.name + ": remove\n";
  for (const auto& key : plan.leftovers.cron_jobs) text += "cronjob/" + key.name + ": remove\n";
  for (const auto& object : plan.leftovers.objects) text += object_words(object) + ": remove\n";
  return text;
}

}  // namespace pausa::cli
