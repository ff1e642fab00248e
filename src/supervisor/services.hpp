// Services as they stand: what is stored of them, and the pods that they select, made into rules
// and names.
#pragma once

#include "pod/object.hpp"
#include "pod/service.hpp"
#include "state/store.hpp"

#include <string>
#include <vector>

namespace pausa::supervisor {

// The pods of this boot, as Services see them.
std::vector<pod::EndpointPod> endpoint_pods(const state::Store& store);

// Reads all Services and pods and makes rules and names what follows from them; does nothing where
// they say so already, or where there has never been a Service. Throws sys::Error.
void sync_services(const state::Store& store);

// The variables that tell of the namespace's Services; what is in `out` already stays.
void add_service_variables(const state::Store& store, const std::string& namespace_,
                           pod::KeyValues& out);

// Lines for /etc/hosts of a pod without a bridge: the Services that select it are its own loopback,
// where their ports are the pod's.
std::string own_services(const state::Store& store, const pod::Pod& pod);

// Gives a Service what it is to have and has not: an address, ports of the machine; refuses what
// another one has. `store` afterwards stores it. Throws sys::Error.
void store_service(const state::Store& store, pod::Object object);

}  // namespace pausa::supervisor
