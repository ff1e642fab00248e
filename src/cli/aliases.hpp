// Words that fingers bring from elsewhere: `kube play`, `pod ps`, `get pods`, `apply`, … Pure.
#pragma once

#include "cli/command.hpp"

namespace pausa::cli {

// The same command line in our own words; unchanged when there is nothing foreign in it.
Arguments without_aliases(Arguments arguments);

}  // namespace pausa::cli
