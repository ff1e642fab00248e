// Bridges whose range is decided before the first pod needs them: those of named networks.
#pragma once

#include "net/bridge.hpp"

#include <optional>
#include <string>

namespace pausa::net {

struct BridgeWish {
  std::optional<Subnet> v4;  // unset: one to which no route leads
  std::optional<Subnet> v6;  // unset: a random unique local one
  bool no_v6 = false;
  bool internal = false;  // no way to the world
};

// Notes what the bridge will be when a pod comes, and gives its range. It is looked at from where
// we are: the ranges in use there, and an interface of that name that somebody else made, are
// errors. Throws sys::Error.
Pool prepare_bridge(const BridgeConfig& config, const BridgeWish& wish);
bool is_internal(const BridgeConfig& config);

}  // namespace pausa::net
