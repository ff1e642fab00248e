// The network of a pod as the commands and its supervisor deal with it: what it is to have, its
// lease, its way onto the bridge. net/ does the work; here it gets its pod.
#pragma once

#include "net/attach.hpp"
#include "pod/spec.hpp"
#include "state/store.hpp"
#include "supervisor/user_network.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pausa::supervisor {

enum class NetworkChoice : std::uint8_t { none, bridge, pasta, host };
// "none", "bridge", "pasta", "host".
std::optional<NetworkChoice> parse_network(const std::string& text);
// What PAUSA_NETWORK says; nullopt: nothing. Throws sys::Error when it is none of its words.
std::optional<NetworkChoice> configured_network();

// The bridge that new pods of our run root are put on (PAUSA_BRIDGE and PAUSA_SUBNET change its
// name and range). Throws sys::Error when these say nothing sensible.
net::BridgeConfig bridge_config(const state::Paths& paths);
// The one that a pod is on.
net::BridgeConfig bridge_of(const state::Paths& paths, const state::NetworkRecord& network);

// Decides for a new pod, and notes it in its record: what was asked for; else PAUSA_NETWORK; else
// the bridge, for root with the privilege and the system's own run root (one in another place, as
// tests have it, must not touch the machine's network unasked); without root the network of that
// user's pods, which `user` has then. The bridge is there afterwards. Throws when it cannot be and
// was asked for; else the pod has a loopback only and the text says why. Empty: nothing to tell.
std::string choose_network(const state::Store& store, const pod::Spec& spec,
                           std::optional<NetworkChoice> asked, state::Record& record,
                           UserNetwork& user);
// For a pod that has chosen before.
UserNetwork join_again(const state::Store& store, const state::Record& record, std::string& note);

// Gives a pod on the bridge its addresses and makes it known by its names; they are its until it is
// removed. The record must have been written before.
void lease_address(const state::Store& store, const pod::Pod& pod, state::Record& record);
void release_address(const state::Paths& paths, const state::Record& record);
// Nothing that comes to the host is led to this pod any more.
void withdraw_ports(const state::Record& record);

// What is to be done for the pod of this process; nullopt: it is on no bridge.
std::optional<net::AttachRequest> attach_request(const state::Paths& paths,
                                                 const state::Record& record,
                                                 const UserNetwork& user, pid_t pid, int pidfd);

// Puts right what somebody took away of the bridge, its rules and the way of this living pod onto
// it. Throws sys::Error.
void restore_network(const state::Paths& paths, const state::Record& record);

// IPv4 first. None for a pod with a loopback only.
std::vector<std::string> addresses_of(const state::NetworkRecord& network);

// The bridges with all that belongs to them. For when no pod is left.
void remove_network(const state::Paths& paths);

}  // namespace pausa::supervisor
