// What to say of a port of this machine that somebody has.
#pragma once

#include "net/publish.hpp"
#include "state/store.hpp"

namespace pausa::supervisor {

// Throws sys::Error, which names the process and pod that have it, and the next port that is free.
[[noreturn]] void refuse_taken(const net::PublishedPort& port, const state::Store& store);

}  // namespace pausa::supervisor
