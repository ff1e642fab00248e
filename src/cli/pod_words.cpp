#include "cli/pod_words.hpp"

#include "cli/command.hpp"
#include "cli/remove_pod.hpp"
#include "cli/workloads.hpp"

#include <iostream>

namespace pausa::cli {

std::vector<state::PodKey> every_pod(const state::Store& store) {
  std::vector<state::PodKey> keys;
  std::vector<state::Damaged> damaged;
  for (auto& record : store.list(&damaged)) keys.push_back(std::move(record.key));
  for (auto& one : damaged) keys.push_back(std::move(one.key));
  for (auto& key : store.list_without_record()) keys.push_back(std::move(key));
  return keys;
}

std::vector<Target> targets_from(const Options& options, const state::Store& store,
                                 const std::string& verb) {
  std::vector<Target> targets;
  for (const auto& word : options.words())
    for (auto& target : targets_of(store, word, options.get("namespace")))
      targets.push_back(std::move(target));
  if (options.has("all")) {
    for (auto& key : every_pod(store)) targets.push_back({std::move(key), ""});
  } else if (targets.empty()) {
    throw UsageError(verb + " needs a pod, or --all");
  }
  return targets;
}

std::vector<state::PodKey> pods_from(const Options& options, const state::Store& store,
                                     const std::string& verb) {
  std::vector<state::PodKey> keys;
  for (const auto& target : targets_from(options, store, verb)) {
    if (!target.container.empty())
      throw UsageError(verb + " acts on whole pods; \"" + target.key.name + "/" + target.container +
                       "\" is a container");
    keys.push_back(target.key);
  }
  return keys;
}

int tell_damaged(const std::vector<state::Damaged>& damaged) {
  for (const auto& one : damaged) std::cerr << "pausa: " << one.why << "\n";
  return damaged.empty() ? exit_ok : exit_failed;
}

int drop_absent(const state::Store& store, std::vector<state::PodKey>& keys) {
  const auto absent = std::erase_if(keys, [&](const state::PodKey& key) {
    if (pod_exists(store, key)) return false;
    std::cerr << "pausa: no pod " << key.name << " in namespace " << key.namespace_ << "\n";
    return true;
  });
  return absent > 0 ? exit_no_such_object : exit_ok;
}

std::optional<std::chrono::milliseconds> grace_from(const Options& options) {
  const auto text = options.get("timeout");
  if (!text) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::milliseconds>(parse_duration(*text, "--timeout"));
}

}  // namespace pausa::cli
