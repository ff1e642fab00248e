// A Service: a name and an address for pods that labels select. Pure values and decisions; who
// gives out addresses and who makes the rules of them is elsewhere.
#pragma once

#include "pod/node.hpp"
#include "pod/selected_pod.hpp"
#include "pod/spec.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace pausa::pod {

enum class ServiceType : std::uint8_t { cluster_ip, node_port, load_balancer, external_name };
enum class IpFamily : std::uint8_t { v4, v6 };
enum class FamilyPolicy : std::uint8_t { single, prefer_dual, require_dual };

IpFamily family_of(const std::string& address);
// "10.86.0.7:80", "[fd00::7]:80".
std::string with_port(const std::string& address, std::uint16_t port);

struct ServicePort {
  std::string name;
  Protocol protocol = Protocol::tcp;
  std::uint16_t port = 0;
  PortRef target;               // unset in the manifest: the port
  std::uint16_t node_port = 0;  // 0: none
};

struct Service {
  ServiceType type = ServiceType::cluster_ip;
  bool headless = false;                 // clusterIP: None
  std::vector<std::string> cluster_ips;  // wanted or given, in the order of the families
  std::vector<IpFamily> ip_families;     // wanted; empty: what follows from the rest
  FamilyPolicy family_policy = FamilyPolicy::single;
  KeyValues selector;
  std::vector<ServicePort> ports;
  std::string external_name;
  bool publish_not_ready = false;
  bool client_affinity = false;  // sessionAffinity: ClientIP
  std::uint32_t affinity_seconds = 10800;

  // Whether it is to have an address of its own.
  bool has_address() const { return type != ServiceType::external_name && !headless; }
  bool has_node_ports() const {
    return type == ServiceType::node_port || type == ServiceType::load_balancer;
  }
  bool selects(const KeyValues& labels) const;
  // The families in which it is to be reached, the first before the second. both: this machine has
  // both for Services.
  std::vector<IpFamily> families(bool both) const;
  // The addresses that one of before had, where it asks for none of that family.
  void keep_addresses(const Service& before);
};

Service decode_service(const Node& spec);
void add_service(const Service& service, Node& object);

// A pod that may be behind a Service.
struct EndpointPod : SelectedPod {
  std::vector<std::string> addresses;  // none: it cannot be reached by others
  bool ready = false;
  bool gone = false;  // it has ended
};

// The pods that are behind it now: selected, alive, ready (or not, with
// publishNotReadyAddresses).
std::vector<const EndpointPod*> endpoints_of(const Service& service, const std::string& namespace_,
                                             const std::vector<EndpointPod>& pods);
// Its addresses of that family.
std::vector<std::string> addresses_of(const EndpointPod& pod, IpFamily family);
// The port of that pod; 0: it has none of that name.
std::uint16_t target_port(const ServicePort& port, const EndpointPod& pod);

// The variables that tell containers of a Service with an address: DB_SERVICE_HOST and so on, in
// Kubernetes' order.
void add_service_links(const std::string& name, const Service& service, KeyValues& out);

}  // namespace pausa::pod
