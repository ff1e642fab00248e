// The host's side of a bridge: the interface, its addresses, forwarding, the rules. Made by the
// first pod that needs it, found by the others, put right by whoever finds it damaged; it stays
// until remove_bridge(), since an idle bridge costs nothing and its removal a grace period.
// All of it is of the network namespace in which the caller is.
#pragma once

#include "net/address.hpp"

#include <optional>
#include <string>

namespace pausa::net {

struct BridgeConfig {
  std::string name = "pausa0";
  std::string folder;           // what we remember of it: its range, the leases
  std::optional<Subnet> range;  // of IPv4; unset: one that no route leads to

  std::string leases() const { return folder + "/leases"; }
};

struct Bridge {
  Pool pool;
  std::string note;  // what does not work, for the user; mostly empty
};

// Throws sys::Error when pods cannot be on it.
Bridge ensure_bridge(const BridgeConfig& config);

// The interface, the rules and the folder. Nothing there is success.
void remove_bridge(const BridgeConfig& config);

// The range that the folder remembers.
std::optional<Pool> remembered_pool(const BridgeConfig& config);

// The name of a pod's interface on the host.
std::string veth_name(const std::string& uid);

}  // namespace pausa::net
