#include "cli/commands/commands.hpp"
#include "cli/options.hpp"
#include "cli/target.hpp"

#include <iostream>

namespace pausa::cli {
namespace {

const std::vector<Option> table{{"all,a", nullptr, "also pods that have ended"},
                                {"quiet,q", nullptr, "names only"}};

}  // namespace

std::string ps_options() {
  return options_help(table);
}

int run_ps(const Arguments& arguments) {
  const Options options(table, arguments);
  const state::Store store(state::Paths::from_environment());
  for (const auto& record : all_pods(store)) {
    if (record.state.finished && !options.has("all")) continue;
    std::cout << record.key.name << "\t" << pod::phase_name(record.state.phase) << "\n";
  }
  return exit_ok;
}

}  // namespace pausa::cli
