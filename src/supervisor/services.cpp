#include "supervisor/services.hpp"

#include "net/name_book.hpp"
#include "net/services.hpp"
#include "pod/decode.hpp"
#include "pod/key_values.hpp"
#include "pod/status.hpp"
#include "state/json_node.hpp"
#include "state/object_store.hpp"
#include "supervisor/helper_child.hpp"
#include "supervisor/pod_network.hpp"
#include "supervisor/taken_port.hpp"
#include "supervisor/user_network.hpp"
#include "sys/error.hpp"
#include "sys/hash.hpp"
#include "sys/process.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

namespace pausa::supervisor {
namespace {

constexpr std::uint16_t first_node_port = 30000;
constexpr std::uint16_t last_node_port = 32767;

std::string domain_of(const pod::Metadata& metadata) {
  return metadata.name + "." + metadata.namespace_;
}

std::string full_name(const std::string& name) {
  return name + ".svc." + std::string(net::name_zone);
}

std::vector<pod::Object> all_services(const state::Store& store) {
  return state::ObjectStore(store.paths()).list(pod::ObjectKind::service);
}

bool has_services(const state::Store& store, const std::string& namespace_) {
  return ::access((store.paths().objects() + "/" + namespace_ + "/service").c_str(), F_OK) == 0;
}

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

std::optional<pod::EndpointPod> endpoint_pod(const state::Store& store, const state::Record& record,
                                             const std::string& gateway) {
  const auto manifest = store.read_manifest(record.key);
  const auto node = manifest ? state::node_from_json(*manifest) : std::nullopt;
  if (!node) return std::nullopt;
  pod::Diagnostics ignored;
  const auto pod = pod::decode_pod(*node, ignored);
  auto out = as_endpoint(record, pod);
  if (pod.spec.host_network && !gateway.empty()) out.addresses = {gateway};
  return out;
}

// IPv4, by which Services are reached.
std::string first_address(const pod::EndpointPod& pod) {
  return pod.addresses.front();
}

void add_routes(const pod::Object& object, const std::vector<const pod::EndpointPod*>& pods,
                std::vector<net::ServiceRoute>& routes) {
  const auto& service = *object.service;
  for (const auto& port : service.ports) {
    net::ServiceRoute route;
    route.words = domain_of(object.metadata) + ":" + std::to_string(port.port);
    route.address = service.cluster_ip;
    route.port = port.port;
    route.node_port = service.has_node_ports() ? port.node_port : std::uint16_t{0};
    route.udp = port.protocol == pod::Protocol::udp;
    route.by_client = service.client_affinity;
    for (const auto* pod : pods)
      if (const auto target = pod::target_port(port, *pod); target != 0)
        route.targets.push_back(first_address(*pod) + " . " + std::to_string(target));
    routes.push_back(std::move(route));
  }
}

void add_ports(const pod::Service& service, const std::string& target,
               const pod::EndpointPod* endpoint, std::string& text) {
  for (const auto& port : service.ports) {
    const auto number = endpoint == nullptr ? port.port : pod::target_port(port, *endpoint);
    if (port.name.empty() || number == 0) continue;
    text += "SRV " + port.name + (port.protocol == pod::Protocol::udp ? " udp " : " tcp ") +
            std::to_string(number) + " " + target + "\n";
  }
}

void add_names(const pod::Object& object, const std::vector<const pod::EndpointPod*>& pods,
               std::map<std::string, std::string>& names) {
  const auto& service = *object.service;
  const std::string name = domain_of(object.metadata);
  std::string& text = names[name];
  if (service.type == pod::ServiceType::external_name) {
    text = "CNAME " + service.external_name + "\n";
  } else if (!service.headless) {
    text = "A " + service.cluster_ip + "\n";
    add_ports(service, full_name(name), nullptr, text);
    names[service.cluster_ip] = "PTR " + full_name(name) + "\n";
  } else {
    for (const auto* pod : pods) {
      std::string addresses;
      for (const auto& address : pod->addresses) addresses += "A " + address + "\n";
      text += addresses;
      // The pod's own name may be that of a Service.
      std::string target = first_address(*pod);
      std::replace(target.begin(), target.end(), '.', '-');
      target += "." + name;
      names[target] = addresses;
      add_ports(service, full_name(target), pod, text);
    }
  }
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

pod::EndpointPod as_endpoint(const state::Record& record, const pod::Pod& pod) {
  pod::EndpointPod out;
  out.namespace_ = record.key.namespace_;
  out.name = record.key.name;
  out.labels = pod.metadata.labels;
  out.addresses = addresses_of(record.network);
  out.gone = record.state.finished || !sys::alive(record.infra);
  out.ready = !record.state.stopping && pod::pod_is_ready(pod, record.state);
  for (const auto* list : {&pod.spec.init_containers, &pod.spec.containers})
    for (const auto& container : *list)
      out.ports.insert(out.ports.end(), container.ports.begin(), container.ports.end());
  return out;
}

std::vector<NodePort> node_ports_of(const state::Store& store, pod::EndpointPod pod, bool root) {
  std::vector<NodePort> ports;
  pod.ready = true;
  if (!root) pod.addresses.emplace_back("127.0.0.1");
  if (!has_services(store, pod.namespace_)) return ports;
  for (const auto& object : all_services(store)) {
    const auto& service = *object.service;
    if (!service.has_node_ports() ||
        pod::endpoints_of(service, object.metadata.namespace_, {pod}).empty())
      continue;
    for (const auto& port : service.ports) {
      const auto target = pod::target_port(port, pod);
      if (port.node_port == 0 || target == 0) continue;
      const bool udp = port.protocol == pod::Protocol::udp;
      ports.push_back({{std::nullopt, port.node_port, target, udp},
                       object.metadata.name,
                       service.publish_not_ready});
    }
  }
  return ports;
}

std::map<std::pair<std::uint16_t, bool>, std::string> node_port_owners(const state::Store& store) {
  std::map<std::pair<std::uint16_t, bool>, std::string> owners;
  if (::geteuid() != 0) return owners;
  for (const auto& object : all_services(store))
    for (const auto& port : object.service->ports)
      if (object.service->has_node_ports() && port.node_port != 0)
        owners[{port.node_port, port.protocol == pod::Protocol::udp}] =
            "service/" + object.metadata.name + " (namespace " + object.metadata.namespace_ + ")";
  return owners;
}

std::vector<pod::EndpointPod> endpoint_pods(const state::Store& store) {
  std::vector<pod::EndpointPod> pods;
  // Who is in the host's network is reached at the address that the host has on a bridge: not from
  // a bridge elsewhere.
  std::string gateway;
  const std::string folder = store.paths().network();
  const bool elsewhere = has_user_network(store.paths());
  for (const auto& name : elsewhere ? std::vector<std::string>() : net::known_bridges(folder))
    if (const auto pool = net::remembered_pool({name, folder, std::nullopt}))
      gateway = net::to_text(pool->v4_of(net::Pool::bridge_number));
  for (const auto& record : store.list()) {
    if (record.boot_id != sys::boot_id()) continue;
    if (auto pod = endpoint_pod(store, record, gateway)) pods.push_back(std::move(*pod));
  }
  return pods;
}

void sync_services(const state::Store& store) {
  const std::string folder = store.paths().network();
  if (::access(net::services_folder(folder).c_str(), F_OK) != 0) {
    if (all_services(store).empty()) return;
  }
  const net::ServicesLock lock(folder);
  const auto services = all_services(store);
  const bool elsewhere = has_user_network(store.paths());
  if (services.empty()) {
    net::NameBook(folder).set_services({});
    const auto remove = [&folder] { net::remove_services(folder); };
    if (!elsewhere || !in_user_network(store, remove)) remove();
    return;
  }
  const auto range = net::service_range(folder, configured_range());
  const auto pods = endpoint_pods(store);
  std::vector<net::ServiceRoute> routes;
  std::map<std::string, std::string> names;
  for (const auto& object : services) {
    const auto& service = *object.service;
    const auto behind = pod::endpoints_of(service, object.metadata.namespace_, pods);
    if (service.has_address() && !service.cluster_ip.empty()) add_routes(object, behind, routes);
    add_names(object, behind, names);
  }
  net::NameBook(folder).set_services(names);
  // Rules are for those on the bridge, and stand where it is; without one there is nobody whom they
  // would serve.
  if (net::known_bridges(folder).empty()) return;
  const auto apply = [&] { net::apply_services(folder, range, routes); };
  if (elsewhere)
    (void)in_user_network(store, apply);
  else if (::geteuid() == 0)
    apply();
}

OwnServices own_services(const state::Store& store, const pod::Pod& pod) {
  const auto& namespace_ = pod.metadata.namespace_;
  if (!has_services(store, namespace_)) return {};
  pod::EndpointPod self;
  for (const auto& container : pod.spec.containers)
    self.ports.insert(self.ports.end(), container.ports.begin(), container.ports.end());
  OwnServices own;
  std::vector<net::ServiceRoute> routes;
  unsigned others = 0;
  for (const auto& object : all_services(store)) {
    const auto& service = *object.service;
    if (object.metadata.namespace_ != namespace_ || !service.selects(pod.metadata.labels)) continue;
    const bool same_ports = std::all_of(
        service.ports.begin(), service.ports.end(),
        [&self](const auto& port) { return pod::target_port(port, self) == port.port; });
    std::string address = "127.0.0.1";
    if (!same_ports && !service.headless) {
      ++others;
      address = "127.96." + std::to_string(others / 256) + "." + std::to_string(others % 256);
      for (const auto& port : service.ports)
        if (const auto target = pod::target_port(port, self); target != 0) {
          auto& route = routes.emplace_back();
          route.address = address;
          route.port = port.port;
          route.udp = port.protocol == pod::Protocol::udp;
          route.targets.push_back("127.0.0.1 . " + std::to_string(target));
        }
    }
    own.addresses.emplace_back(object.metadata.name, address);
    const std::string name = domain_of(object.metadata);
    own.hosts +=
        address + "\t" + full_name(name) + "\t" + name + "\t" + object.metadata.name + "\n";
  }
  if (!routes.empty()) own.rules = net::loopback_rules(routes);
  return own;
}

void add_service_variables(const state::Store& store, const pod::Pod& pod, bool own,
                           pod::KeyValues& out) {
  const auto& namespace_ = pod.metadata.namespace_;
  if (!has_services(store, namespace_)) return;
  const auto addresses = own ? own_services(store, pod).addresses : pod::KeyValues();
  pod::KeyValues variables;
  for (const auto& object : all_services(store)) {
    if (object.metadata.namespace_ != namespace_) continue;
    auto service = *object.service;
    const auto* address = pod::find_value(addresses, object.metadata.name);
    if (address != nullptr && service.has_address()) service.cluster_ip = *address;
    pod::add_service_links(object.metadata.name, service, variables);
  }
  for (auto& variable : variables)
    if (pod::find_value(out, variable.first) == nullptr) out.push_back(std::move(variable));
}

void apply_own_services(const std::string& rules, int pidfd) {
  (void)do_in_child("lead Services to the pod's ports", std::vector<int>{pidfd}, [&] {
    sys::check(::setns(pidfd, CLONE_NEWNET), "enter the pod's network");
    net::apply_loopback_rules(rules);
  });
}

void store_service(const state::Store& store, pod::Object object) {
  const std::string folder = store.paths().network();
  const net::ServicesLock lock(folder);
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
    const auto range = net::service_range(folder, configured_range());
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
