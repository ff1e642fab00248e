#include "pod/explain.hpp"

#include "cli/commands/commands.hpp"
#include "cli/options.hpp"

#include <iostream>

namespace pausa::cli {
namespace {

constexpr std::span<const Option> table;

}  // namespace

std::string explain_options() {
  return options_help(table);
}

int run_explain(const Arguments& arguments) {
  const Options options(table, arguments);
  if (options.words().empty())
    throw UsageError("explain needs a field, such as pod.spec.containers.image");
  for (const auto& path : options.words()) {
    const auto text = pod::explain(path);
    if (!text) {
      const auto dot = path.rfind('.');
      const std::string above = dot == std::string::npos ? "pod" : path.substr(0, dot);
      throw NoSuchObject("no field " + path + "; pausa explain " +
                         (pod::explain(above) ? above : "pod.spec") + " lists what there is");
    }
    std::cout << *text;
    if (!text->ends_with('\n')) std::cout << "\n";
  }
  return exit_ok;
}

}  // namespace pausa::cli
