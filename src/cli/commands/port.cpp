#include "cli/commands/commands.hpp"
#include "cli/options.hpp"
#include "cli/pod_list.hpp"
#include "cli/publish.hpp"
#include "cli/target.hpp"
#include "cli/workloads.hpp"
#include "supervisor/stored_pod.hpp"

#include <iostream>

namespace pausa::cli {
namespace {

constexpr Option table[]{{"url", nullptr, "the first TCP port as a URL of this machine"},
                         {"env", nullptr, "assignments for a shell: SHOP_WEB_HOST, …_PORT, …_URL"},
                         {"namespace,n", "NAME", "the pod's namespace"}};

int ports_of_all(const state::Store& store, const Options& options) {
  std::vector<std::string> troubles;
  for (const auto& entry : list_pods(store, false, troubles)) {
    if (options.has("namespace") && entry.key.namespace_ != options.get("namespace")) continue;
    const auto stored = supervisor::find_stored_pod(store, entry.key);
    if (!stored) continue;  // it has gone meanwhile
    if (options.has("env")) {
      for (const auto& line : port_assignments(entry.key.name, stored->pod.spec, ""))
        std::cout << line << "\n";
    } else {
      for (const auto& line : port_lines(stored->pod.spec, ""))
        std::cout << entry.key.name << " " << line << "\n";
    }
  }
  for (const auto& trouble : troubles) std::cerr << "pausa: " << trouble << "\n";
  return troubles.empty() ? exit_ok : exit_failed;
}

}  // namespace

std::string port_options() {
  return options_help(table);
}

int run_port(const Arguments& arguments) {
  const Options options(table, arguments);
  const auto& words = options.words();
  if (words.size() > 2) throw UsageError("port takes a pod, and perhaps a port");
  if (words.empty() && options.has("url")) throw UsageError("--url is for one pod; name it");
  const state::Store store(state::Paths::from_environment());
  if (words.empty()) return ports_of_all(store, options);
  const auto target = target_of(store, words.front(), options.get("namespace"));
  const auto stored = supervisor::read_living_pod(store, find_pod(store, target.key));
  const std::string only = words.size() > 1 ? words[1] : "";
  std::vector<std::string> lines;
  if (options.has("env")) {
    lines = port_assignments(target.key.name, stored.pod.spec, only);
  } else if (options.has("url")) {
    if (auto url = port_url(stored.pod.spec, only); !url.empty()) lines.push_back(std::move(url));
  } else {
    lines = port_lines(stored.pod.spec, only);
  }
  for (const auto& line : lines) std::cout << line << "\n";
  if (!lines.empty() || (only.empty() && !options.has("url"))) return exit_ok;
  std::cerr << "pausa: pod " << target.key.name
            << (only.empty() ? " publishes no TCP port" : " does not publish port " + only) << "\n";
  return exit_failed;
}

}  // namespace pausa::cli
