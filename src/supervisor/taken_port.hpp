// What to say of a port of this machine that somebody has.
#pragma once

#include "net/publish.hpp"
#include "state/store.hpp"

#include <vector>

namespace pausa::supervisor {

// Throws sys::Error, which names the process and pod that have it, and the next port that is free.
[[noreturn]] void refuse_taken(const net::PublishedPort& port, const state::Store& store);
// Throws likewise where one of them, which somebody listens on by now, is a Service's node port:
// nobody would come to who listens. Whoever gives such ports out holds them until that is stored.
void refuse_node_ports(const std::vector<net::PublishedPort>& ports, const state::Store& store);

}  // namespace pausa::supervisor
