// Services as they stand: what is stored of them, and the pods that they select, made into rules
// and names.
#pragma once

#include "net/publish.hpp"
#include "pod/object.hpp"
#include "pod/service.hpp"
#include "state/store.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace pausa::supervisor {

// The pods of this boot, as Services see them.
std::vector<pod::EndpointPod> endpoint_pods(const state::Store& store);

pod::EndpointPod as_endpoint(const state::Record& record, const pod::Pod& pod);

// A port of this machine that is a Service's, and that of a pod for which it stands.
struct NodePort {
  net::PublishedPort port;
  std::string service;
  bool always = false;  // also of a pod that is not ready
  bool operator==(const NodePort&) const = default;
};
// Of the Services that this pod is behind when it is ready. Without root its supervisor leads
// there, for which it needs no address.
std::vector<NodePort> node_ports_of(const state::Store& store, pod::EndpointPod pod, bool root);

// Who has which ports of this machine for IPv4 by rules, which come before whoever listens:
// "service/web (namespace shop)" by number and whether it is UDP's. Without root there are none:
// supervisors listen. Throws sys::Error.
std::map<std::pair<std::uint16_t, bool>, std::string> node_port_owners(const state::Store& store);

// Reads all Services and pods and makes rules and names what follows from them; does nothing where
// they say so already, or where there has never been a Service. Throws sys::Error.
void sync_services(const state::Store& store);

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

// Gives a Service what it is to have and has not: an address, ports of the machine; refuses what
// another one has, and with root a port that it did not have before and somebody listens on.
// `store` afterwards stores it. Throws sys::Error.
void store_service(const state::Store& store, pod::Object object);

}  // namespace pausa::supervisor
