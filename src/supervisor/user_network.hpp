// The network that all pods of one user without root share: a network namespace in a user namespace
// of that user, with the pods' bridge in it and pasta as its way to the world.
//
// Its first pod makes it, the last one ends it: every pod has the writing end of one pipe, and
// pausa-uplink, which starts pasta again when it ends, goes when the kernel says that nobody writes
// any more. So nothing is left behind, whoever is killed. RUNROOT/network/uplink is the lock under
// which it is joined, made and ended, and says which process keeps it. Pods also hold the namespace
// itself: when its keeper was killed they still reach each other, and the next who joins finds it
// with them and gives it a keeper again.
#pragma once

#include "infra/client.hpp"
#include "net/bridge.hpp"
#include "state/store.hpp"
#include "supervisor/helper_child.hpp"
#include "sys/fd.hpp"

#include <chrono>
#include <functional>
#include <string>

namespace pausa::supervisor {

struct UserNetwork {
  // The network namespace; its user namespace is the pods'.
  sys::UniqueFd network = sys::UniqueFd();
  // While there is one of these, it stays.
  sys::UniqueFd use = sys::UniqueFd();
  explicit operator bool() const { return static_cast<bool>(network); }
};

// Why this user can have none, with what to do about it; empty: it can.
std::string why_no_user_network();

// Joins, makes or mends it; the bridge has its range then. From the host's network, and from the
// host's user namespace or the network's own. note: what does not work, for people. Throws
// sys::Error.
UserNetwork join_user_network(const state::Store& store, net::BridgeConfig config,
                              std::string& note);

// That of pods that live; empty: none do, or it has ended.
UserNetwork find_user_network(const state::Store& store);

// What infra keeps of it for the pod, so that it outlives the supervisor; empty: nothing.
UserNetwork kept_user_network(infra::Client& client);
void keep_user_network(infra::Client& client, const UserNetwork& network);

// Whether pods of these folders share one, or did.
bool has_user_network(const state::Paths& paths);
// Does the work in there, as its root, by a child. False: there is none. Throws sys::Error with
// what the work has thrown.
bool in_user_network(const state::Store& store, const std::function<void()>& work,
                     std::chrono::milliseconds patience = usual_patience);

// Does the work in such a network, by a child that goes there for good; gives what it returns.
// what: "make the bridge". Throws sys::Error with what the work has thrown. The work has no other
// descriptors of ours than the standard streams.
std::string work_in(int network, const char* what, const std::function<std::string()>& work,
                    std::chrono::milliseconds patience = usual_patience);

// For when no pod is left: it ends now.
void end_user_network(const state::Paths& paths);

}  // namespace pausa::supervisor
