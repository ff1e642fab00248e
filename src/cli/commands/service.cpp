#include "pod/service.hpp"

#include "cli/commands/commands.hpp"
#include "cli/object_view.hpp"
#include "cli/options.hpp"
#include "supervisor/services.hpp"

#include <memory>

namespace pausa::cli {
namespace {

using pod::Node;
using pod::Object;
using pod::ObjectKind;
using Pods = std::vector<pod::EndpointPod>;

constexpr Option table[]{{"output,o", "FORMAT", "table (describe: text), json, yaml or name"},
                         {"namespace,n", "NAME", "the Services' namespace"}};

std::string type_text(const pod::Service& service) {
  switch (service.type) {
    case pod::ServiceType::cluster_ip:
      return "ClusterIP";
    case pod::ServiceType::node_port:
      return "NodePort";
    case pod::ServiceType::load_balancer:
      return "LoadBalancer";
    case pod::ServiceType::external_name:
      break;
  }
  return "ExternalName";
}

std::string address_text(const pod::Service& service) {
  if (service.type == pod::ServiceType::external_name) return service.external_name;
  return service.headless ? "None" : joined(service.cluster_ips, "none");
}

std::string port_text(const pod::ServicePort& port) {
  std::string text = std::to_string(port.port);
  if (port.node_port != 0) text += ":" + std::to_string(port.node_port);
  return text + (port.protocol == pod::Protocol::udp ? "/UDP" : "/TCP");
}

std::vector<pod::IpFamily> families_of(const pod::Service& service) {
  return service.families(service.headless);
}

// "10.86.0.7:8080", for each pod behind it that has the port.
std::vector<std::string> endpoint_words(const Object& service, const Pods& pods,
                                        const pod::ServicePort* port,
                                        const std::vector<pod::IpFamily>& families) {
  std::vector<std::string> words;
  for (const auto* pod : pod::endpoints_of(*service.service, service.metadata.namespace_, pods)) {
    const auto number = port != nullptr ? pod::target_port(*port, *pod) : std::uint16_t{0};
    if (port != nullptr && number == 0) continue;
    for (const auto family : families)
      for (const auto& address : pod::addresses_of(*pod, family))
        words.push_back(port == nullptr ? address : pod::with_port(address, number));
  }
  return words;
}

Node service_node(const Object& service, const Pods& pods) {
  Node node = pod::object_node(service);
  Node endpoints = Node::make_list();
  for (const auto* pod : pod::endpoints_of(*service.service, service.metadata.namespace_, pods)) {
    Node one = Node::make_map();
    one.set("pod", Node::make_string(pod->name));
    Node addresses = Node::make_list();
    for (const auto family : families_of(*service.service))
      for (const auto& address : pod::addresses_of(*pod, family))
        addresses.push(Node::make_string(address));
    one.set("addresses", std::move(addresses));
    endpoints.push(std::move(one));
  }
  node.set("pausa").set("endpoints", std::move(endpoints));
  return node;
}

std::string description(const Object& object, const Pods& pods) {
  const auto& service = *object.service;
  std::vector<std::string> selector;
  for (const auto& [key, value] : service.selector) selector.push_back(key + "=" + value);
  std::string text = "name       " + object.metadata.name + "\nnamespace  " +
                     object.metadata.namespace_ + "\nselector   " + joined(selector, "none") +
                     "\ntype       " + type_text(service) + "\naddress    " +
                     address_text(service) + "\n";
  if (service.client_affinity) text += "affinity   ClientIP\n";
  const bool ready = !pod::endpoints_of(service, object.metadata.namespace_, pods).empty();
  for (const auto& port : service.ports)
    text += "port       " + (port.name.empty() ? "" : port.name + " ") + port_text(port) + " to " +
            (port.target.name.empty() ? std::to_string(port.target.number) : port.target.name) +
            ": " +
            joined(endpoint_words(object, pods, &port, families_of(service)),
                   ready ? "no container has a port " + port.target.name : "no pod is ready") +
            "\n";
  for (const auto& pod : pods)
    if (pod.namespace_ == object.metadata.namespace_ && service.selects(pod.labels))
      text += "pod        " + pod.name + ": " +
              (pod.gone                ? "ended"
               : pod.addresses.empty() ? "has no address for others"
               : pod.ready             ? "ready"
                                       : "not ready") +
              "\n";
  return text;
}

ObjectView look(const state::Store& store) {
  const auto pods = std::make_shared<const Pods>(supervisor::endpoint_pods(store));
  return {ObjectKind::service,
          "Service",
          {"NAME", "NAMESPACE", "TYPE", "ADDRESS", "PORTS", "ENDPOINTS"},
          [pods](const Object& object) {
            const auto& service = *object.service;
            std::vector<std::string> ports;
            for (const auto& port : service.ports) ports.push_back(port_text(port));
            const auto* first = service.ports.empty() ? nullptr : &service.ports.front();
            return ShownObject{
                {object.metadata.name, object.metadata.namespace_, type_text(service),
                 address_text(service), joined(ports, "-"),
                 joined(endpoint_words(object, *pods, first, {families_of(service).front()}), "-")},
                service_node(object, *pods)};
          },
          [pods](const Object& object) { return description(object, *pods); }};
}

}  // namespace

std::string service_options() {
  return options_help(table);
}

int run_service(const Arguments& arguments) {
  return run_object_verb("service", Options(table, arguments), look);
}

}  // namespace pausa::cli
