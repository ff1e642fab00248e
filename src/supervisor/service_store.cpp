#include "supervisor/service_store.hpp"

#include "net/services.hpp"
#include "state/object_store.hpp"
#include "supervisor/services.hpp"
#include "supervisor/taken_port.hpp"
#include "sys/error.hpp"
#include "sys/hash.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <set>

namespace pausa::supervisor {
namespace {

constexpr std::uint16_t first_node_port = 30000;
constexpr std::uint16_t last_node_port = 32767;

std::optional<net::Subnet> configured_range() {
  const char* const text = std::getenv("PAUSA_SERVICE_SUBNET");
  if (text == nullptr || *text == '\0') return std::nullopt;
  const auto range = net::parse_subnet(text);
  constexpr unsigned narrowest = 28;
  if (!range || range->base.v6 || range->prefix < 8 || range->prefix > narrowest)
    throw sys::Error("PAUSA_SERVICE_SUBNET: \"" + std::string(text) +
                     "\" is no range for Services; write one of IPv4 like 10.124.0.0/16");
  return range;
}

// The first free one, beginning at a place that follows from the name: so a Service that is made
// again mostly has the same.
std::string free_address(const net::Subnet& range, const std::string& name,
                         const std::set<std::string>& taken) {
  const net::Pool pool{range, std::nullopt};
  std::uint32_t number = pool.first + sys::stable_hash(name) % (pool.last() - pool.first + 1);
  for (std::uint32_t tried = pool.first; tried <= pool.last(); ++tried) {
    auto address = net::to_text(pool.v4_of(number));
    if (!taken.contains(address)) return address;
    number = pool.next(number);
  }
  throw sys::Error("no address is left for Services in " + net::to_text(range));
}

using Held = std::vector<sys::UniqueFd>;

std::uint16_t free_node_port(const std::set<std::uint16_t>& taken, bool udp, Held& held) {
  for (std::uint16_t port = first_node_port; port <= last_node_port; ++port) {
    if (taken.contains(port)) continue;
    if (auto socket = net::listen_on({std::nullopt, port, 0, udp})) {
      held.push_back(std::move(socket));
      return port;
    }
  }
  throw sys::Error("no port from 30000 to 32767 is left for Services");
}

// Rules come before who listens, so nobody may: of IPv4, to which they go.
void hold_node_port(const pod::ServicePort& port, const std::string& words,
                    const state::Store& store, Held& held) try {
  const bool udp = port.protocol == pod::Protocol::udp;
  held.push_back(net::listen_on({net::parse_address("0.0.0.0"), port.node_port, 0, udp}));
  if (!held.back()) refuse_taken({std::nullopt, port.node_port, 0, udp}, store);
} catch (sys::Error& error) {
  error.prepend(words);
  throw;
}

bool has_node_port(const pod::Service& service, const pod::ServicePort& wanted) {
  return service.has_node_ports() &&
         std::any_of(service.ports.begin(), service.ports.end(), [&wanted](const auto& port) {
           return port.node_port == wanted.node_port && port.protocol == wanted.protocol;
         });
}

bool same_object(const pod::Object& a, const pod::Object& b) {
  return a.metadata.name == b.metadata.name && a.metadata.namespace_ == b.metadata.namespace_;
}

}  // namespace

net::Subnet service_range(const state::Store& store) {
  return net::service_range(store.paths().network(), configured_range());
}

void store_service(const state::Store& store, pod::Object object) {
  const net::ServicesLock lock(store.paths().network());
  auto service = *object.service;
  std::set<std::string> addresses;
  std::set<std::uint16_t> node_ports;
  const std::string words = "service/" + object.metadata.name;
  std::shared_ptr<const pod::Service> before;
  for (const auto& other : all_services(store)) {
    if (same_object(other, object)) {
      before = other.service;
      continue;
    }
    addresses.insert(other.service->cluster_ip);
    for (const auto& port : other.service->ports) {
      if (port.node_port == 0) continue;
      node_ports.insert(port.node_port);
      for (const auto& own : service.ports)
        if (own.node_port == port.node_port)
          throw sys::Error(words + ": the port " + std::to_string(port.node_port) +
                           " is that of service/" + other.metadata.name);
    }
    if (!service.cluster_ip.empty() && other.service->cluster_ip == service.cluster_ip)
      throw sys::Error(words + ": the address " + service.cluster_ip + " is that of service/" +
                       other.metadata.name);
  }
  if (service.has_address()) {
    const auto range = service_range(store);
    const auto wanted = net::parse_address(service.cluster_ip);
    if (wanted && !range.contains(*wanted)) {
      sys::Error error(words + ": the address " + service.cluster_ip +
                       " is not in the range of Services, " + net::to_text(range));
      error.advise("leave clusterIP out, or choose another range (PAUSA_SERVICE_SUBNET)");
      throw error;
    }
    if (!wanted) service.cluster_ip = free_address(range, domain_of(object.metadata), addresses);
  }
  Held held;  // until it is stored: a pod that listens from then on finds it there
  if (service.has_node_ports()) {
    for (const auto& port : service.ports) node_ports.insert(port.node_port);
    for (auto& port : service.ports) {
      if (port.node_port == 0)
        port.node_port = free_node_port(node_ports, port.protocol == pod::Protocol::udp, held);
      else if (::geteuid() == 0 && (!before || !has_node_port(*before, port)))
        hold_node_port(port, words, store, held);
      node_ports.insert(port.node_port);
    }
  }
  object.service = std::make_shared<const pod::Service>(std::move(service));
  (void)state::ObjectStore(store.paths()).put(object);
}

}  // namespace pausa::supervisor
