#include "cli/commands/commands.hpp"
#include "cli/options.hpp"
#include "cli/remove_pod.hpp"
#include "cli/target.hpp"
#include "manifest/load.hpp"
#include "sys/error.hpp"

namespace pausa::cli {
namespace {

const std::vector<Option> table{{"file,f", "FILE", "the pods of this manifest"},
                                {"all,a", nullptr, "every pod"},
                                {"timeout,t", "TIME", "grace period, instead of the manifest's"},
                                {"namespace,n", "NAME", "the pods' namespace"}};

// A word with a dot-suffix of a manifest, or one that is a file, names a manifest.
bool names_file(const std::string& word) {
  return word == "-" || word.ends_with(".yaml") || word.ends_with(".yml") ||
         word.ends_with(".json") || word.find('/') != std::string::npos;
}

void add_pods_of(const std::string& file, std::vector<state::PodKey>& keys) {
  const auto loaded = manifest::load_paths({file});
  // A manifest that is wrong by now may still name what it once started.
  for (const auto& entry : loaded.pods)
    keys.push_back({entry.pod.metadata.namespace_, entry.pod.metadata.name});
  if (loaded.pods.empty()) throw sys::Error(file + " names no pod; give the pod's name instead");
}

}  // namespace

std::string down_options() {
  return options_help(table);
}

int run_down(const Arguments& arguments) {
  const Options options(table, arguments);
  const state::Store store(state::Paths::from_environment());
  std::vector<state::PodKey> keys;
  for (const auto& file : options.all("file")) add_pods_of(file, keys);
  for (const auto& word : options.words()) {
    if (names_file(word) && !word.starts_with("pod/"))
      add_pods_of(word, keys);
    else
      keys.push_back(parse_target(word, options.get("namespace")).key);
  }
  if (options.has("all")) {
    for (const auto& record : store.list()) keys.push_back(record.key);
    for (const auto& key : store.list_without_record()) keys.push_back(key);
  } else if (keys.empty()) {
    throw UsageError("down needs a manifest, a pod, or --all");
  }
  std::optional<std::chrono::milliseconds> grace;
  if (const auto text = options.get("timeout"))
    grace =
        std::chrono::duration_cast<std::chrono::milliseconds>(parse_duration(*text, "--timeout"));
  return end_pods(store, keys, true, grace);
}

}  // namespace pausa::cli
