// The variables that `exec` and `debug` are told to set.
#pragma once

#include "cli/options.hpp"

#include <string>
#include <vector>

namespace pausa::cli {

// Of --env: "NAME=VALUE" each, of NAME alone with our value, if we have one. Throws UsageError.
std::vector<std::string> environment_from(const Options& options);

}  // namespace pausa::cli
