// How a supervisor comes to be: forked from the command that starts the pod (no exec, the manifest
// is in memory already), with a guard as its parent; or started by the guard, or by any command
// that finds a pod whose supervisor is dead.
#pragma once

#include "supervisor/starter.hpp"
#include "supervisor/supervisor.hpp"
#include "sys/fd.hpp"

#include <chrono>

namespace pausa::supervisor {

// Forks guard and supervisor for a new pod. Neither has anything of ours: no terminal, no stdio, no
// descriptor. Returns the socket for receive_starter(). The charge's lock goes to the supervisor.
sys::UniqueFd spawn_new(Charge charge, Host host);

// Starts guard and supervisor for a pod of the store whose supervisor is dead.
void spawn_adopted(const state::Store& store, const state::PodKey& key);

// The whole life of a supervisor that was started by the guard (`pausa supervise NAMESPACE NAME`).
// Returns the exit code: 0 when the pod is over, or somebody else supervises it.
int supervise(const state::Store& store, const state::PodKey& key);

// A stored pod with everything that a supervisor needs; the lock is the caller's. Throws sys::Error
// when an image is not here, unless the pod runs already.
Charge load_charge(const state::Store& store, state::Lock lock, state::Record record,
                   bool runs = false);

}  // namespace pausa::supervisor
