// --env-file and --set of the verbs that read manifests.
#pragma once

#include "cli/options.hpp"
#include "manifest/variables.hpp"

#include <memory>

namespace pausa::cli {

// What both give, --set last; nullptr without either: then ${NAME} in a manifest is mere text.
// Throws UsageError, sys::Error for a file that cannot be read.
std::unique_ptr<manifest::Variables> variables_from(const Options& options);

}  // namespace pausa::cli
