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
#include <map>
#include <set>
#include <tuple>

namespace pausa::supervisor {
namespace {

constexpr std::uint16_t first_node_port = 30000;
constexpr std::uint16_t last_node_port = 32767;

net::ServiceRangeWish configured_range() {
  const char* const text = std::getenv("PAUSA_SERVICE_SUBNET");
  if (text == nullptr || *text == '\0') return {};
  if (const auto wish = net::parse_service_ranges(text)) return *wish;
  throw sys::Error("PAUSA_SERVICE_SUBNET: \"" + std::string(text) +
                   "\" is no range for Services; write one of IPv4 like 10.124.0.0/16, one of IPv6 "
                   "like fd00:124::/112, or both with a comma");
}

struct ByBytes {
  bool operator()(const net::Address& a, const net::Address& b) const {
    return std::tie(a.v6, a.bytes) < std::tie(b.v6, b.bytes);
  }
};
using Addresses = std::map<net::Address, std::string, ByBytes>;  // and whose they are

// The first free one, beginning at a place that follows from the name: so a Service that is made
// again mostly has the same.
net::Address free_address(const net::Pool& pool, bool v6, const std::string& name,
                          const Addresses& taken) {
  std::uint32_t number = pool.first + sys::stable_hash(name) % (pool.last() - pool.first + 1);
  for (std::uint32_t tried = pool.first; tried <= pool.last(); ++tried) {
    const auto address = v6 ? *pool.v6_of(number) : pool.v4_of(number);
    if (!taken.contains(address)) return address;
    number = pool.next(number);
  }
  throw sys::Error("no address is left for Services in " + net::to_text(v6 ? *pool.v6 : pool.v4));
}

void check_address(const std::string& words, const net::Address& address, const net::Pool& range,
                   const Addresses& taken) {
  const std::string text = words + ": the address " + net::to_text(address) + " is ";
  if (const auto owner = taken.find(address); owner != taken.end())
    throw sys::Error(text + "that of service/" + owner->second);
  if ((address.v6 ? *range.v6 : range.v4).contains(address)) return;
  sys::Error error(text + "not in the range of Services, " +
                   net::to_text(address.v6 ? *range.v6 : range.v4));
  error.advise("leave clusterIP out, or choose another range (PAUSA_SERVICE_SUBNET)");
  throw error;
}

// What it asks for, else what is free.
void give_addresses(const std::string& words, const std::string& name, const net::Pool& range,
                    const Addresses& taken, pod::Service& service) {
  const auto families = service.families(range.v6.has_value());
  const bool needs_v6 =
      service.family_policy == pod::FamilyPolicy::require_dual ||
      std::find(families.begin(), families.end(), pod::IpFamily::v6) != families.end();
  if (needs_v6 && !range.v6) {
    sys::Error error(words + ": this machine has no IPv6, so Services have no addresses of it");
    error.advise("leave out ipFamilies, and take ipFamilyPolicy PreferDualStack or none");
    throw error;
  }
  for (std::size_t i = 0; i < families.size(); ++i) {
    if (i < service.cluster_ips.size()) {
      const auto wanted = net::parse_address(service.cluster_ips[i]);
      if (wanted) check_address(words, *wanted, range, taken);
      continue;
    }
    const bool v6 = families[i] == pod::IpFamily::v6;
    service.cluster_ips.push_back(net::to_text(free_address(range, v6, name, taken)));
  }
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

// Rules come before who listens, so nobody may, of the families to which they go.
void hold_node_port(const pod::ServicePort& port, const std::vector<pod::IpFamily>& families,
                    const std::string& words, const state::Store& store, Held& held) try {
  const bool udp = port.protocol == pod::Protocol::udp;
  for (const auto family : families) {
    const auto any = net::parse_address(family == pod::IpFamily::v6 ? "::" : "0.0.0.0");
    held.push_back(net::listen_on({any, port.node_port, 0, udp}));
    if (held.back()) continue;
    held.clear();  // who has it is somebody else
    refuse_taken({std::nullopt, port.node_port, 0, udp}, store);
  }
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

// Those in which the port was not its own before.
std::vector<pod::IpFamily> new_families(const pod::Service& service, const pod::Service* before,
                                        const pod::ServicePort& port) {
  auto families = service.families(false);
  if (before != nullptr && has_node_port(*before, port))
    for (const auto family : before->families(false)) std::erase(families, family);
  return families;
}

}  // namespace

net::Pool service_range(const state::Store& store) {
  return net::service_range(store.paths().network(), configured_range());
}

void store_service(const state::Store& store, pod::Object object) {
  const net::ServicesLock lock(store.paths().network());
  auto service = *object.service;
  Addresses addresses;
  std::set<std::uint16_t> node_ports;
  const std::string words = "service/" + object.metadata.name;
  std::shared_ptr<const pod::Service> before;
  for (const auto& other : all_services(store)) {
    if (same_object(other, object)) {
      before = other.service;
      continue;
    }
    for (const auto& text : other.service->cluster_ips)
      if (const auto address = net::parse_address(text))
        addresses.emplace(*address, other.metadata.name);
    for (const auto& port : other.service->ports) {
      if (port.node_port == 0) continue;
      node_ports.insert(port.node_port);
      for (const auto& own : service.ports)
        if (own.node_port == port.node_port)
          throw sys::Error(words + ": the port " + std::to_string(port.node_port) +
                           " is that of service/" + other.metadata.name);
    }
  }
  if (service.has_address())
    give_addresses(words, domain_of(object.metadata), service_range(store), addresses, service);
  Held held;  // until it is stored: a pod that listens from then on finds it there
  if (service.has_node_ports()) {
    for (const auto& port : service.ports) node_ports.insert(port.node_port);
    for (auto& port : service.ports) {
      if (port.node_port == 0)
        port.node_port = free_node_port(node_ports, port.protocol == pod::Protocol::udp, held);
      else if (::geteuid() == 0)
        hold_node_port(port, new_families(service, before.get(), port), words, store, held);
      node_ports.insert(port.node_port);
    }
  }
  object.service = std::make_shared<const pod::Service>(std::move(service));
  (void)state::ObjectStore(store.paths()).put(object);
}

}  // namespace pausa::supervisor
