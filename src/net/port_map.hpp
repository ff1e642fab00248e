// Published ports that the kernel forwards itself: elements of the maps in a bridge's table
// (nat.hpp), one for each, which turn the host's port into a pod's address and port. A change of
// nf_tables waits for the kernel's readers (an RCU grace period), so putting one is one change and
// taking several is one; no rule and no process belongs to a port.
#pragma once

#include "net/publish.hpp"

#include <string>
#include <vector>

namespace pausa::net {

// From now on new connections to the port go to the pod's address. Where it leads elsewhere by now,
// that ends. False: the kernel cannot (no table, no nf_tables), or the port is ::1's alone.
bool add_to_map(const std::string& bridge, const PublishedPort& port, const Address& pod);

// Wherever they lead; of one that is on all addresses of the host also those of single addresses,
// and of one that is on a single address also that of all: who listens on either knows that nobody
// else has the other. Not there is fine.
void remove_from_map(const std::string& bridge, const std::vector<PublishedPort>& ports);

// All that lead to these addresses, whoever put them there.
void remove_all_to(const std::string& bridge, const std::vector<Address>& pods);

}  // namespace pausa::net
