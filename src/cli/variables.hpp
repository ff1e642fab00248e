// --env-file and --set of the verbs that read manifests.
#pragma once

#include "cli/options.hpp"
#include "manifest/variables.hpp"

#include <memory>

namespace pausa::cli {

// What both give, --set last; nullptr without either: then ${NAME} in a manifest is mere text.
// Throws UsageError, sys::Error for a file that cannot be read.
std::unique_ptr<manifest::Variables> variables_from(const Options& options);

// Throws UsageError where --set names what no manifest refers to: that is a slip, as the values of
// an --env-file that are of no use are not. referred: LoadResult::variables of all of them.
void require_used(const Options& options, const manifest::VariableNames& referred);

}  // namespace pausa::cli
