#include "cli/aliases.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace pausa::cli {
namespace {

using Words = std::vector<std::string_view>;

struct Alias {
  Words theirs;
  Words ours;
};

// The longer ones first. kubectl and podman kube return when the pods run.
const std::vector<Alias>& aliases() {
  static const std::vector<Alias> table{{{"kube", "play"}, {"up", "-d"}},
                                        {{"kube", "down"}, {"down"}},
                                        {{"kube", "apply"}, {"up", "-d"}},
                                        {{"kube", "generate"}, {"generate", "kube"}},
                                        {{"play", "kube"}, {"up", "-d"}},
                                        {{"pod", "list"}, {"ps"}},
                                        {{"pod", "ls"}, {"ps"}},
                                        {{"pod", "kill"}, {"stop", "-t", "0"}},
                                        {{"get", "pods"}, {"ps"}},
                                        {{"get", "pod"}, {"ps"}},
                                        {{"get", "po"}, {"ps"}},
                                        {{"describe", "pod"}, {"describe"}},
                                        {{"describe", "pods"}, {"describe"}},
                                        {{"delete", "pod"}, {"down"}},
                                        {{"delete", "pods"}, {"down"}},
                                        {{"system", "reset"}, {"reset"}},
                                        {{"apply"}, {"up", "-d"}},
                                        {{"create"}, {"up", "-d"}},
                                        {{"play"}, {"up", "-d"}},
                                        {{"delete"}, {"down"}},
                                        {{"get"}, {"ps"}},
                                        {{"ls"}, {"ps"}},
                                        {{"list"}, {"ps"}},
                                        {{"info"}, {"doctor"}},
                                        {{"--version"}, {"version"}},
                                        {{"-v"}, {"version"}}};
  return table;
}

// podman pod VERB is our VERB.
constexpr std::array<std::string_view, 12> pod_verbs{"ps",    "logs",  "inspect", "rm",
                                                     "stop",  "start", "restart", "top",
                                                     "stats", "pause", "unpause", "describe"};

}  // namespace

Arguments without_aliases(Arguments arguments) {
  for (const auto& alias : aliases()) {
    if (arguments.size() < alias.theirs.size() ||
        !std::equal(alias.theirs.begin(), alias.theirs.end(), arguments.begin()))
      continue;
    Arguments ours(alias.ours.begin(), alias.ours.end());
    ours.insert(ours.end(), arguments.begin() + static_cast<std::ptrdiff_t>(alias.theirs.size()),
                arguments.end());
    return ours;
  }
  if (arguments.size() > 1 && arguments[0] == "pod" &&
      std::find(pod_verbs.begin(), pod_verbs.end(), arguments[1]) != pod_verbs.end())
    arguments.erase(arguments.begin());
  return arguments;
}

}  // namespace pausa::cli
