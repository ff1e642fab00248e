#include "supervisor/services.hpp"

#include "net/name_book.hpp"
#include "net/services.hpp"
#include "pod/decode.hpp"
#include "pod/status.hpp"
#include "state/json_node.hpp"
#include "state/object_store.hpp"
#include "supervisor/pod_network.hpp"
#include "supervisor/service_store.hpp"
#include "supervisor/user_network.hpp"
#include "sys/process.hpp"

#include <unistd.h>

#include <algorithm>
#include <map>

namespace pausa::supervisor {
namespace {

std::optional<pod::EndpointPod> endpoint_pod(const state::Store& store, const state::Record& record,
                                             const std::vector<std::string>& gateways) {
  const auto manifest = store.read_manifest(record.key);
  const auto node = manifest ? state::node_from_json(*manifest) : std::nullopt;
  if (!node) return std::nullopt;
  pod::Diagnostics ignored;
  const auto pod = pod::decode_pod(*node, ignored);
  auto out = as_endpoint(record, pod);
  if (pod.spec.host_network && !gateways.empty()) out.addresses = gateways;
  return out;
}

void add_routes(const pod::Object& object, const std::vector<const pod::EndpointPod*>& pods,
                std::vector<net::ServiceRoute>& routes) {
  const auto& service = *object.service;
  for (const auto& address : service.cluster_ips)
    for (const auto& port : service.ports) {
      net::ServiceRoute route;
      route.words = domain_of(object.metadata) + ":" + std::to_string(port.port);
      route.address = address;
      route.port = port.port;
      route.node_port = service.has_node_ports() ? port.node_port : std::uint16_t{0};
      route.udp = port.protocol == pod::Protocol::udp;
      route.by_client = service.client_affinity;
      for (const auto* pod : pods)
        if (const auto target = pod::target_port(port, *pod); target != 0)
          for (const auto& own : pod::addresses_of(*pod, pod::family_of(address)))
            route.targets.push_back(own + " . " + std::to_string(target));
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
    for (const auto& given : service.cluster_ips) {
      const auto address = net::parse_address(given);
      if (!address) continue;
      text += "A " + net::to_text(*address) + "\n";
      names[net::to_text(*address)] = "PTR " + full_name(name) + "\n";
    }
    add_ports(service, full_name(name), nullptr, text);
  } else {
    for (const auto* pod : pods) {
      std::string addresses, target;
      for (const auto family : service.families(true))
        for (const auto& address : pod::addresses_of(*pod, family)) {
          addresses += "A " + address + "\n";
          if (target.empty()) target = address;
        }
      if (target.empty()) continue;
      text += addresses;
      // The pod's own name may be that of a Service.
      for (char& c : target)
        if (c == '.' || c == ':') c = '-';
      target += "." + name;
      names[target] = addresses;
      add_ports(service, full_name(target), pod, text);
    }
  }
}

}  // namespace

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

std::map<std::pair<std::uint16_t, bool>, NodePortOwner> node_port_owners(
    const state::Store& store) {
  std::map<std::pair<std::uint16_t, bool>, NodePortOwner> owners;
  if (::geteuid() != 0) return owners;
  for (const auto& object : all_services(store)) {
    if (!object.service->has_node_ports()) continue;
    NodePortOwner owner{
        "service/" + object.metadata.name + " (namespace " + object.metadata.namespace_ + ")",
        object.service->families(false)};
    for (const auto& port : object.service->ports)
      if (port.node_port != 0)
        owners[{port.node_port, port.protocol == pod::Protocol::udp}] = owner;
  }
  return owners;
}

std::vector<pod::EndpointPod> endpoint_pods(const state::Store& store) {
  std::vector<pod::EndpointPod> pods;
  // Who is in the host's network is reached at the address that the host has on a bridge: not from
  // a bridge elsewhere.
  std::vector<std::string> gateways;
  const std::string folder = store.paths().network();
  const bool elsewhere = has_user_network(store.paths());
  for (const auto& name : elsewhere ? std::vector<std::string>() : net::known_bridges(folder))
    if (const auto pool = net::remembered_pool({name, folder, std::nullopt})) {
      gateways = {net::to_text(pool->v4_of(net::Pool::bridge_number))};
      if (const auto v6 = pool->v6_of(net::Pool::bridge_number))
        gateways.push_back(net::to_text(*v6));
    }
  for (const auto& record : store.list()) {
    if (record.boot_id != sys::boot_id()) continue;
    if (auto pod = endpoint_pod(store, record, gateways)) pods.push_back(std::move(*pod));
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
  const auto range = service_range(store);
  const auto pods = endpoint_pods(store);
  std::vector<net::ServiceRoute> routes;
  std::map<std::string, std::string> names;
  for (const auto& object : services) {
    const auto& service = *object.service;
    const auto behind = pod::endpoints_of(service, object.metadata.namespace_, pods);
    if (service.has_address()) add_routes(object, behind, routes);
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

}  // namespace pausa::supervisor
