// The Services that a pod without a bridge is behind: reached in its own network.
#pragma once

#include "pod/key_values.hpp"
#include "pod/spec.hpp"
#include "state/store.hpp"

#include <string>

namespace pausa::supervisor {

// The Services that select a pod without a bridge are its own loopback: 127.0.0.1 where their ports
// are the pod's, else another of its addresses, which rules of nft lead to the pod's ports.
struct OwnServices {
  std::string hosts;         // lines for /etc/hosts
  std::string rules;         // for the pod's network; mostly none
  pod::KeyValues addresses;  // by the Service's name
};
OwnServices own_services(const state::Store& store, const pod::Pod& pod);

// The variables that tell of the namespace's Services; what is in `out` already stays. own: the pod
// has no bridge.
void add_service_variables(const state::Store& store, const pod::Pod& pod, bool own,
                           pod::KeyValues& out);
// Makes them in the network of that process, by a child. Throws sys::Error.
void apply_own_services(const std::string& rules, int pidfd);

}  // namespace pausa::supervisor
