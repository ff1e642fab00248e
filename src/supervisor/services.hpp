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

std::vector<pod::Object> all_services(const state::Store& store);
// Whether a namespace may have any.
bool has_services(const state::Store& store, const std::string& namespace_);
// "db.default", and where that is: "db.default.svc.cluster.local".
std::string domain_of(const pod::Metadata& metadata);
std::string full_name(const std::string& domain);

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

struct NodePortOwner {
  std::string words;  // "service/web (namespace shop)"
  std::vector<pod::IpFamily> families;
};
// Who has which ports of this machine by rules, which come before whoever listens, by number and
// whether it is UDP's. Without root there are none: supervisors listen. Throws sys::Error.
std::map<std::pair<std::uint16_t, bool>, NodePortOwner> node_port_owners(const state::Store& store);

// Reads all Services and pods and makes rules and names what follows from them; does nothing where
// they say so already, or where there has never been a Service. Throws sys::Error.
void sync_services(const state::Store& store);

}  // namespace pausa::supervisor
