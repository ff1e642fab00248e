// Named networks: bridges beside the usual one, each with a range, leases and rules of its own.
// ROOT/networks/NAME says what one is to be, so that it is there after a reboot; its bridge is made
// by its first pod and removed with it. "default" is the usual one.
#pragma once

#include "net/bridge.hpp"
#include "net/named_bridge.hpp"
#include "state/store.hpp"
#include "supervisor/pod_network.hpp"

#include <optional>
#include <string>
#include <vector>

namespace pausa::supervisor {

inline constexpr const char* default_network = "default";

struct NamedNetwork {
  std::string name;
  std::string bridge;             // its interface
  std::optional<net::Pool> pool;  // unset: it has none yet
  bool internal = false;
};

// Why this is no name for one; empty: it is.
std::string network_name_fault(const std::string& name);

// The usual one first, then by name.
std::vector<NamedNetwork> list_networks(const state::Paths& paths);
std::optional<NamedNetwork> find_network(const state::Paths& paths, const std::string& name);
// Throws sys::Error: it is there, its range is in use, the interface is somebody else's.
NamedNetwork create_network(const state::Paths& paths, const std::string& name,
                            const net::BridgeWish& wish);
// With its bridge and what is remembered of it. Throws sys::Error.
void remove_network(const state::Store& store, const NamedNetwork& network);

// The pods that have an address there, stopped ones too, and those that asked for it and will have
// one again: of these a reboot has taken the record.
std::vector<state::PodKey> pods_on(const state::Store& store, const std::string& bridge);

// What was asked for when the pod was made, as `--network` and PAUSA_NETWORK have it, beside its
// stored manifest; empty: nothing was.
std::string read_network_words(const state::Store& store, const state::PodKey& key);
void keep_network_words(const state::Store& store, const state::PodKey& key,
                        const std::string& words);

// As choose_network(), for a pod that is to be on this one.
std::string choose_named_network(const state::Store& store, const pod::Spec& spec,
                                 const std::string& name, state::Record& record, UserNetwork& user);

}  // namespace pausa::supervisor
