// Bridges whose range is decided before the first pod needs them: those of named networks.
#pragma once

#include "net/bridge.hpp"
#include "sys/fd.hpp"

#include <optional>
#include <string>

namespace pausa::net {

struct BridgeWish {
  std::optional<Subnet> v4;  // unset: one to which no route leads
  std::optional<Subnet> v6;  // unset: a random unique local one
  bool no_v6 = false;
  bool internal = false;  // no way to the world
};

// The right to change what is remembered of bridges; held until it is destroyed. Makes the folder.
class BridgeLock {
 public:
  explicit BridgeLock(const std::string& folder);

 private:
  sys::UniqueFd file_;
};

// Why there can be no pods in it: "127.1.0.0/24 is no range for pods: 127.0.0.0/8 is for
// loopback"; empty: there can.
std::string range_fault(const Subnet& range);

// Notes what the bridge will be when a pod comes, and gives its range: the one that is noted
// already, where it is as wished. It is looked at from where we are: the ranges in use there, and
// an interface of that name that somebody else made, are errors. The lock must be held. Throws
// sys::Error.
Pool prepare_bridge(const BridgeConfig& config, const BridgeWish& wish);
// As remove_bridge(), with the lock held.
void remove_bridge_locked(const BridgeConfig& config);
bool is_internal(const BridgeConfig& config);

}  // namespace pausa::net
