#include "cli/commands/commands.hpp"
#include "cli/pod_words.hpp"
#include "cli/remove_pod.hpp"

namespace pausa::cli {
namespace {

constexpr Option table[]{{"all,a", nullptr, "every pod"},
                         {"timeout,t", "TIME", "grace period, instead of the manifest's"},
                         {"namespace,n", "NAME", "the pods' namespace"}};

}  // namespace

std::string stop_options() {
  return options_help(table);
}

int run_stop(const Arguments& arguments) {
  const Options options(table, arguments);
  const state::Store store(state::Paths::from_environment());
  auto keys = pods_from(options, store, "stop");
  const int absent = drop_absent(store, keys);
  const int code = end_pods(store, keys, false, grace_from(options));
  return code != exit_ok ? code : absent;
}

}  // namespace pausa::cli
