#include "cli/commands/commands.hpp"
#include "cli/job_keeper.hpp"
#include "cli/jobs.hpp"
#include "cli/objects.hpp"
#include "cli/options.hpp"
#include "cli/pod_words.hpp"
#include "cli/remove_pod.hpp"
#include "cli/target.hpp"
#include "cli/variables.hpp"
#include "cli/workloads.hpp"
#include "manifest/load.hpp"
#include "sys/error.hpp"

#include <algorithm>
#include <iostream>

namespace pausa::cli {
namespace {

constexpr Option table[]{
    {"file,f", "FILE", "what this manifest names"},
    {"env-file", "FILE", "put the values of its lines NAME=VALUE in for ${NAME}"},
    {"set", "NAME[=VALUE]", "likewise this one; no value: our environment's"},
    {"all,a", nullptr, "every pod"},
    {"volumes,v", nullptr, "the claims of the manifests, too, with their data"},
    {"timeout,t", "TIME", "grace period, instead of the manifest's"},
    {"namespace,n", "NAME", "the pods' namespace"}};

// A word with a dot-suffix of a manifest, or one that is a file, names a manifest.
bool names_file(const std::string& word) {
  return word == "-" || word.ends_with(".yaml") || word.ends_with(".yml") ||
         word.ends_with(".json") || word.find('/') != std::string::npos;
}

// "service", "services", "svc".
std::optional<pod::ObjectKind> object_resource(std::string_view word) {
  if (word == "svc") return pod::ObjectKind::service;
  if (word == "networkpolicies") return pod::ObjectKind::network_policy;
  for (const auto kind : pod::all_object_kinds) {
    const auto name = pod::resource_name(kind);
    if (word == name || (word.ends_with('s') && word.substr(0, word.size() - 1) == name))
      return kind;
  }
  return std::nullopt;
}

// "pod/web", "deployment/web", "service/db".
bool names_object(const std::string& word) {
  if (word.ends_with(".yaml") || word.ends_with(".yml") || word.ends_with(".json")) return false;
  const auto kind = word.substr(0, word.find('/'));
  return kind == "pod" || kind == "pods" || pod::workload_resource(kind) || object_resource(kind);
}

// What is to go.
struct Doomed {
  std::vector<state::PodKey> pods;
  std::vector<pod::Object> objects;
  std::vector<pod::Object> claims;  // that go with their StatefulSet
  std::vector<state::PodKey> jobs, cron_jobs;

  void add(state::PodKey key) {
    if (std::find(pods.begin(), pods.end(), key) == pods.end()) pods.push_back(std::move(key));
  }
};

void add_workload(const state::Store& store, pod::WorkloadKind kind, const state::PodKey& key,
                  Doomed& doomed) {
  // Its Jobs go with it.
  if (kind == pod::WorkloadKind::cron_job) {
    doomed.cron_jobs.push_back(key);
    for (auto& job : jobs_of_cron_job(store, key)) doomed.jobs.push_back(std::move(job));
    return;
  }
  // Its keeper first, then its pods.
  if (kind == pod::WorkloadKind::job) doomed.jobs.push_back(key);
  for (auto& pod : pods_owned_by(store, key.namespace_, pod::workload_words(kind, key.name)))
    doomed.add(std::move(pod));
}

void add_named_by(const state::Store& store, const std::string& file,
                  const manifest::Variables* variables, Doomed& doomed) {
  auto loaded = manifest::load_paths({file}, {}, variables);
  // A manifest that is wrong by now may still name what it once started.
  for (const auto& entry : loaded.pods)
    doomed.add({entry.pod.metadata.namespace_, entry.pod.metadata.name});
  for (auto& key : workload_pods(store, loaded)) doomed.add(std::move(key));
  for (const auto& entry : loaded.workloads)
    add_workload(store, entry.workload.kind,
                 {entry.workload.metadata.namespace_, entry.workload.metadata.name}, doomed);
  for (const auto& entry : loaded.workloads)
    if (entry.workload.drop_claims_deleted)
      for (const auto& claim : pod::claims_of(entry.object, entry.workload))
        doomed.claims.push_back(pod::decode_object(claim, pod::ObjectKind::claim));
  if (loaded.pods.empty() && loaded.objects.empty() && loaded.workloads.empty())
    throw sys::Error(file + " names nothing; give the pod's name instead");
  for (auto& entry : loaded.objects) doomed.objects.push_back(std::move(entry.object));
}

// "service/db": what is stored; nullopt: it names something else.
std::optional<pod::Object> stored_object(const state::Store& store, const std::string& word,
                                         const std::optional<std::string>& namespace_) {
  const auto slash = word.find('/');
  const auto kind = object_resource(word.substr(0, slash));
  if (!kind || slash == std::string::npos) return std::nullopt;
  const auto home =
      pod::is_namespaced(*kind) ? namespace_.value_or(default_namespace()) : std::string();
  const auto name = word.substr(slash + 1);
  if (*kind == pod::ObjectKind::claim)
    throw UsageError("a claim goes with its data: pausa volume rm " + name);
  auto object = state::ObjectStore(store.paths()).find(*kind, home, name);
  if (!object)
    throw NoSuchObject("no " + std::string(pod::kind_name(*kind)) + " " + name +
                       (home.empty() ? "" : " in namespace " + home));
  return object;
}

// "pod/web", "deployment/web", "service/db", or "web".
void add_named(const state::Store& store, const std::string& word,
               const std::optional<std::string>& namespace_, Doomed& doomed) {
  if (const auto workload = workload_named(store, word, namespace_))
    add_workload(store, workload->kind, workload->key, doomed);
  else if (auto object = stored_object(store, word, namespace_))
    doomed.objects.push_back(std::move(*object));
  else
    doomed.add(parse_target(word, namespace_).key);
}

}  // namespace

std::string down_options() {
  return options_help(table);
}

int run_down(const Arguments& arguments) {
  const Options options(table, arguments);
  const state::Store store(state::Paths::from_environment());
  Doomed doomed;
  const auto given = variables_from(options);
  for (const auto& file : options.all("file")) add_named_by(store, file, given.get(), doomed);
  for (const auto& word : options.words()) {
    if (names_file(word) && !names_object(word))
      add_named_by(store, word, given.get(), doomed);
    else
      add_named(store, word, options.get("namespace"), doomed);
  }
  if (options.has("all")) {
    for (auto& key : every_pod(store)) doomed.add(std::move(key));
    for (auto& key : state::JobStore(store.paths()).list()) doomed.jobs.push_back(std::move(key));
  } else if (options.words().empty() && options.all("file").empty()) {
    throw UsageError("down needs a manifest, a pod, or --all");
  }
  std::optional<std::chrono::milliseconds> grace;
  if (const auto text = options.get("timeout"))
    grace =
        std::chrono::duration_cast<std::chrono::milliseconds>(parse_duration(*text, "--timeout"));
  // Nobody is to start the next pod.
  for (const auto& key : doomed.jobs) end_keeper(store, key);
  const int code = end_pods(store, doomed.pods, true, grace);
  for (const auto& key : doomed.jobs)
    if (remove_job(store, key, grace)) std::cout << "job/" << key.name << "\n";
  for (const auto& key : doomed.cron_jobs)
    if (state::JobStore(store.paths()).remove_cron_job(key))
      std::cout << "cronjob/" << key.name << "\n";
  // After the pods that use them.
  for (const auto& object : doomed.objects)
    if (remove_object(store.paths(), object, options.has("volumes")))
      std::cout << object_words(object) << "\n";
  for (const auto& claim : doomed.claims)
    if (remove_object(store.paths(), claim, true)) std::cout << object_words(claim) << "\n";
  const int synced = sync_rules(store);
  return code != exit_ok ? code : synced;
}

}  // namespace pausa::cli
