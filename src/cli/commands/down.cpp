#include "cli/commands/commands.hpp"
#include "cli/objects.hpp"
#include "cli/options.hpp"
#include "cli/pod_words.hpp"
#include "cli/remove_pod.hpp"
#include "cli/target.hpp"
#include "cli/variables.hpp"
#include "manifest/load.hpp"
#include "sys/error.hpp"

#include <iostream>

namespace pausa::cli {
namespace {

const std::vector<Option> table{
    {"file,f", "FILE", "what this manifest names"},
    {"env-file", "FILE", "put the values of its lines NAME=VALUE in for ${NAME}"},
    {"set", "NAME[=VALUE]", "likewise this one; without a value that of our environment"},
    {"all,a", nullptr, "every pod"},
    {"volumes,v", nullptr, "the claims of the manifests, too, with their data"},
    {"timeout,t", "TIME", "grace period, instead of the manifest's"},
    {"namespace,n", "NAME", "the pods' namespace"}};

// A word with a dot-suffix of a manifest, or one that is a file, names a manifest.
bool names_file(const std::string& word) {
  return word == "-" || word.ends_with(".yaml") || word.ends_with(".yml") ||
         word.ends_with(".json") || word.find('/') != std::string::npos;
}

void add_named_by(const std::string& file, const manifest::Variables* variables,
                  std::vector<state::PodKey>& keys, std::vector<pod::Object>& objects) {
  auto loaded = manifest::load_paths({file}, {}, variables);
  // A manifest that is wrong by now may still name what it once started.
  for (const auto& entry : loaded.pods)
    keys.push_back({entry.pod.metadata.namespace_, entry.pod.metadata.name});
  for (auto& entry : loaded.objects) objects.push_back(std::move(entry.object));
  if (loaded.pods.empty() && loaded.objects.empty())
    throw sys::Error(file + " names nothing; give the pod's name instead");
}

}  // namespace

std::string down_options() {
  return options_help(table);
}

int run_down(const Arguments& arguments) {
  const Options options(table, arguments);
  const state::Store store(state::Paths::from_environment());
  std::vector<state::PodKey> keys;
  std::vector<pod::Object> objects;
  const auto given = variables_from(options);
  for (const auto& file : options.all("file")) add_named_by(file, given.get(), keys, objects);
  for (const auto& word : options.words()) {
    if (names_file(word) && !word.starts_with("pod/"))
      add_named_by(word, given.get(), keys, objects);
    else
      keys.push_back(parse_target(word, options.get("namespace")).key);
  }
  if (options.has("all")) {
    for (auto& key : every_pod(store)) keys.push_back(std::move(key));
  } else if (keys.empty() && objects.empty()) {
    throw UsageError("down needs a manifest, a pod, or --all");
  }
  std::optional<std::chrono::milliseconds> grace;
  if (const auto text = options.get("timeout"))
    grace =
        std::chrono::duration_cast<std::chrono::milliseconds>(parse_duration(*text, "--timeout"));
  const int code = end_pods(store, keys, true, grace);
  // After the pods that use them.
  for (const auto& object : objects)
    if (remove_object(store.paths(), object, options.has("volumes")))
      std::cout << object_words(object) << "\n";
  return code;
}

}  // namespace pausa::cli
