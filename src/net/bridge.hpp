// The host's side of a bridge: the interface, its addresses, forwarding, the rules. Made by the
// first pod that needs it, found by the others, put right by whoever finds it damaged; it stays
// until remove_bridge(), since an idle bridge costs nothing and its removal a grace period.
// All of it is of the network namespace in which the caller is.
#pragma once

#include "net/address.hpp"

#include <optional>
#include <string>
#include <vector>

namespace pausa::net {

struct BridgeConfig {
  std::string name = "pausa0";
  std::string folder;           // what we remember of all bridges
  std::optional<Subnet> range;  // of IPv4; unset: one that no route leads to
  bool named = false;           // of a named network: prepare_bridge() alone gives it a range

  // Of this one: its range, the leases.
  std::string own() const { return folder + "/bridges/" + name; }
  std::string leases() const { return own() + "/leases"; }
};

struct Bridge {
  Pool pool;
  std::string note;  // what does not work, for the user; mostly empty
};

// Throws sys::Error when pods cannot be on it.
Bridge ensure_bridge(const BridgeConfig& config);

// What stands in its way here (somebody else's interface, a route into its range), with the way
// out; empty: nothing does. Changes nothing.
std::string bridge_fault(const BridgeConfig& config);

// Where another network than ours is to have the bridge: sets a range to which no route of our own
// network leads, unless it has one already.
void choose_range(BridgeConfig& config);

// The interface, the rules and what we remember of it. Nothing there is success.
void remove_bridge(const BridgeConfig& config);
// The names of those that are or were made with this folder.
std::vector<std::string> known_bridges(const std::string& folder);

// Its range, when it has one.
std::optional<Pool> remembered_pool(const BridgeConfig& config);

// The hardware address with which ours is born.
HardwareAddress bridge_hardware(const BridgeConfig& config);

// The name of a pod's interface on the host.
std::string veth_name(const std::string& uid);

}  // namespace pausa::net
