#include "pod/service.hpp"

#include "cli/commands/commands.hpp"
#include "cli/objects.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/table.hpp"
#include "cli/target.hpp"
#include "supervisor/services.hpp"
#include "sys/error.hpp"

#include <iostream>

namespace pausa::cli {
namespace {

using pod::Node;
using pod::Object;
using pod::ObjectKind;

constexpr Option table[]{{"output,o", "FORMAT", "table (describe: text), json, yaml or name"},
                         {"namespace,n", "NAME", "the Services' namespace"}};

std::string namespace_of(const Options& options) {
  return options.get("namespace").value_or(default_namespace());
}

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
  return service.headless ? "None" : service.cluster_ip;
}

std::string port_text(const pod::ServicePort& port) {
  std::string text = std::to_string(port.port);
  if (port.node_port != 0) text += ":" + std::to_string(port.node_port);
  return text + (port.protocol == pod::Protocol::udp ? "/UDP" : "/TCP");
}

// "10.86.0.7:8080", for each pod behind it that has the port.
std::vector<std::string> endpoint_words(const Object& service,
                                        const std::vector<pod::EndpointPod>& pods,
                                        const pod::ServicePort* port) {
  std::vector<std::string> words;
  for (const auto* pod : pod::endpoints_of(*service.service, service.metadata.namespace_, pods)) {
    const auto number = port != nullptr ? pod::target_port(*port, *pod) : std::uint16_t{0};
    if (port != nullptr && number == 0) continue;
    words.push_back(pod->addresses.front() + (port ? ":" + std::to_string(number) : ""));
  }
  return words;
}

std::string joined(const std::vector<std::string>& words, const std::string& nothing) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ",") + word;
  return text.empty() ? nothing : text;
}

Node service_node(const Object& service, const std::vector<pod::EndpointPod>& pods) {
  Node node = pod::object_node(service);
  Node endpoints = Node::make_list();
  for (const auto* pod : pod::endpoints_of(*service.service, service.metadata.namespace_, pods)) {
    Node one = Node::make_map();
    one.set("pod", Node::make_string(pod->name));
    Node addresses = Node::make_list();
    for (const auto& address : pod->addresses) addresses.push(Node::make_string(address));
    one.set("addresses", std::move(addresses));
    endpoints.push(std::move(one));
  }
  node.set("pausa").set("endpoints", std::move(endpoints));
  return node;
}

std::string description(const Object& object, const std::vector<pod::EndpointPod>& pods) {
  const auto& service = *object.service;
  std::vector<std::string> selector;
  for (const auto& [key, value] : service.selector) selector.push_back(key + "=" + value);
  std::string text = "name       " + object.metadata.name + "\nnamespace  " +
                     object.metadata.namespace_ + "\nselector   " + joined(selector, "none") +
                     "\ntype       " + type_text(service) + "\naddress    " +
                     address_text(service) + "\n";
  if (service.client_affinity) text += "affinity   ClientIP\n";
  for (const auto& port : service.ports)
    text += "port       " + (port.name.empty() ? "" : port.name + " ") + port_text(port) + " to " +
            (port.target.name.empty() ? std::to_string(port.target.number) : port.target.name) +
            ": " + joined(endpoint_words(object, pods, &port), "no pod is ready") + "\n";
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

int list_services(const state::Store& store, const Options& options, Format format) {
  std::vector<Node> items;
  Table rows({"NAME", "NAMESPACE", "TYPE", "ADDRESS", "PORTS", "ENDPOINTS"});
  const auto pods = supervisor::endpoint_pods(store);
  for (const auto& service : state::ObjectStore(store.paths()).list(ObjectKind::service)) {
    if (options.has("namespace") && service.metadata.namespace_ != namespace_of(options)) continue;
    if (format == Format::name) {
      std::cout << object_words(service) << "\n";
      continue;
    }
    std::vector<std::string> ports;
    for (const auto& port : service.service->ports) ports.push_back(port_text(port));
    const auto* first = service.service->ports.empty() ? nullptr : &service.service->ports.front();
    rows.add({service.metadata.name, service.metadata.namespace_, type_text(*service.service),
              address_text(*service.service), joined(ports, "-"),
              joined(endpoint_words(service, pods, first), "-")});
    items.push_back(service_node(service, pods));
  }
  if (format == Format::table)
    std::cout << rows.text();
  else if (format != Format::name)
    std::cout << node_text(list_node(std::move(items)), format);
  return exit_ok;
}

Object find_service(const state::Store& store, const std::string& word, const Options& options) {
  const auto slash = word.find('/');
  const std::string name = slash == std::string::npos ? word : word.substr(slash + 1);
  auto service =
      state::ObjectStore(store.paths()).find(ObjectKind::service, namespace_of(options), name);
  if (!service) throw NoSuchObject("no Service " + name + " in namespace " + namespace_of(options));
  return std::move(*service);
}

}  // namespace

std::string service_options() {
  return options_help(table);
}

int run_service(const Arguments& arguments) {
  const Options options(table, arguments);
  auto words = options.words();
  if (words.empty()) throw UsageError("service: say ls or describe");
  const std::string verb = words.front();
  words.erase(words.begin());
  const state::Store store(state::Paths::from_environment());
  const Format format =
      output_format(options, {Format::table, Format::json, Format::yaml, Format::name});
  if (verb == "ls" && words.empty()) return list_services(store, options, format);
  if (verb != "describe" || words.empty() || format == Format::name)
    throw UsageError("service: say ls, or describe NAME…");
  const auto pods = supervisor::endpoint_pods(store);
  std::vector<Node> items;
  for (const auto& word : words) {
    const Object service = find_service(store, word, options);
    if (format == Format::table)
      std::cout << (&word == &words.front() ? "" : "\n") << description(service, pods);
    items.push_back(service_node(service, pods));
  }
  if (format != Format::table)
    std::cout << node_text(
        items.size() == 1 ? std::move(items.front()) : list_node(std::move(items)), format);
  return exit_ok;
}

}  // namespace pausa::cli
