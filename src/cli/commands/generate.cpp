#include "cli/commands/commands.hpp"
#include "cli/options.hpp"
#include "cli/target.hpp"
#include "cli/workloads.hpp"
#include "supervisor/stored_pod.hpp"

#include <iostream>

namespace pausa::cli {
namespace {

constexpr Option table[]{{"namespace,n", "NAME", "the pods' namespace"}};

}  // namespace

std::string generate_options() {
  return options_help(table);
}

int run_generate(const Arguments& arguments) {
  const Options options(table, arguments);
  const auto& words = options.words();
  if (words.empty() || words.front() != "kube")
    throw UsageError("generate knows one form: generate kube POD…");
  if (words.size() < 2) throw UsageError("generate kube needs a pod");
  const state::Store store(state::Paths::from_environment());
  std::string text;
  for (std::size_t i = 1; i < words.size(); ++i) {
    for (const auto& [key, container] : targets_of(store, words[i], options.get("namespace"))) {
      auto stored = supervisor::find_stored_pod(store, key);
      if (!stored) throw NoSuchObject("no pod " + key.name + " in namespace " + key.namespace_);
      // By itself it has no owner.
      if (auto* const metadata = stored->object.find("metadata"))
        std::erase_if(metadata->entries,
                      [](const pod::Entry& entry) { return entry.key == "ownerReferences"; });
      text += (text.empty() ? "" : "---\n") + pod::to_yaml(stored->object);
    }
  }
  std::cout << text;
  return exit_ok;
}

}  // namespace pausa::cli
