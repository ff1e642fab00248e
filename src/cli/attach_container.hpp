// Our standard streams as those of a container that runs: what it writes comes out of its log, what
// we read goes to its standard input or its terminal.
#pragma once

#include "state/store.hpp"

#include <string>

namespace pausa::cli {

// Returns when the container has ended: its exit code. Its signals are ours, unless it has a
// terminal, where they are characters; the second interrupt leaves it alone (code 130). input: our
// stdin is passed on, and the container's ends with it when `once`. Throws sys::Error,
// NoSuchObject.
int attach_container(const state::Store& store, const state::PodKey& key, const std::string& name,
                     bool input, bool once);

}  // namespace pausa::cli
