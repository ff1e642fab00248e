#include "pod/service.hpp"

#include "pod/decode_parts.hpp"
#include "pod/key_values.hpp"

#include <algorithm>
#include <array>

namespace pausa::pod {
namespace {

constexpr std::array<std::pair<std::string_view, ServiceType>, 4> types = {
    {{"ClusterIP", ServiceType::cluster_ip},
     {"NodePort", ServiceType::node_port},
     {"LoadBalancer", ServiceType::load_balancer},
     {"ExternalName", ServiceType::external_name}}};
constexpr std::array<std::pair<std::string_view, IpFamily>, 2> family_words = {
    {{"IPv4", IpFamily::v4}, {"IPv6", IpFamily::v6}}};
constexpr std::array<std::pair<std::string_view, FamilyPolicy>, 3> policies = {
    {{"SingleStack", FamilyPolicy::single},
     {"PreferDualStack", FamilyPolicy::prefer_dual},
     {"RequireDualStack", FamilyPolicy::require_dual}}};
constexpr std::array<std::pair<std::string_view, Protocol>, 3> protocols = {
    {{"TCP", Protocol::tcp}, {"UDP", Protocol::udp}, {"SCTP", Protocol::sctp}}};

template <typename Enum, std::size_t N>
std::string word_of(const std::array<std::pair<std::string_view, Enum>, N>& words, Enum value) {
  for (const auto& [word, meaning] : words)
    if (meaning == value) return std::string(word);
  return {};
}

ServicePort decode_port(const Node& node) {
  ServicePort port;
  get(node, "name", port.name);
  get_word(node, "protocol", protocols, port.protocol);
  get_integer(node, "port", port.port);
  get_integer(node, "nodePort", port.node_port);
  get_integer(node, "targetPort", port.target.number);
  get(node, "targetPort", port.target.name);
  if (port.target.number == 0 && port.target.name.empty()) port.target.number = port.port;
  return port;
}

Node port_node(const ServicePort& port) {
  Node node = Node::make_map();
  if (!port.name.empty()) node.set("name", Node::make_string(port.name));
  node.set("protocol", Node::make_string(word_of(protocols, port.protocol)));
  node.set("port", Node::make_integer(port.port));
  node.set("targetPort", port.target.name.empty() ? Node::make_integer(port.target.number)
                                                  : Node::make_string(port.target.name));
  if (port.node_port != 0) node.set("nodePort", Node::make_integer(port.node_port));
  return node;
}

// "my-db" to "MY_DB".
std::string variable_name(const std::string& name) {
  std::string out;
  for (const char c : name)
    out += c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

Node list_of(const std::vector<std::string>& words) {
  Node list = Node::make_list();
  for (const auto& word : words) list.push(Node::make_string(word));
  return list;
}

void add_addresses(const Service& service, Node& spec) {
  if (service.type == ServiceType::external_name) return;
  const auto& given = service.cluster_ips;
  const auto addresses = service.headless ? std::vector<std::string>{"None"} : given;
  if (!addresses.empty()) {
    spec.set("clusterIP", Node::make_string(addresses.front()));
    spec.set("clusterIPs", list_of(addresses));
  }
  std::vector<std::string> words;
  for (const auto family : service.families(given.size() != 1))
    words.push_back(word_of(family_words, family));
  spec.set("ipFamilies", list_of(words));
  spec.set("ipFamilyPolicy", Node::make_string(word_of(policies, service.family_policy)));
}

}  // namespace

IpFamily family_of(const std::string& address) {
  return address.find(':') == std::string::npos ? IpFamily::v4 : IpFamily::v6;
}

std::string with_port(const std::string& address, std::uint16_t port) {
  const std::string host = family_of(address) == IpFamily::v6 ? "[" + address + "]" : address;
  return host + ":" + std::to_string(port);
}

// As an API server fills in what is not said (initIPFamilyFields(), Kubernetes 1.20): the families
// of the addresses asked for, IPv4 first where nothing is said, and the other one for two.
std::vector<IpFamily> Service::families(bool both) const {
  auto out = ip_families;
  for (std::size_t i = out.size(); i < cluster_ips.size(); ++i)
    out.push_back(family_of(cluster_ips[i]));
  if (out.empty()) out.push_back(IpFamily::v4);
  if (family_policy != FamilyPolicy::single && out.size() == 1 && both)
    out.push_back(out.front() == IpFamily::v4 ? IpFamily::v6 : IpFamily::v4);
  return out;
}

void Service::keep_addresses(const Service& before) {
  if (!has_address()) return;
  const auto wanted = families(before.cluster_ips.size() > 1);
  for (std::size_t i = cluster_ips.size(); i < wanted.size(); ++i) {
    const auto old =
        std::find_if(before.cluster_ips.begin(), before.cluster_ips.end(),
                     [&](const std::string& address) { return family_of(address) == wanted[i]; });
    if (old == before.cluster_ips.end()) return;
    cluster_ips.push_back(*old);
  }
}

bool Service::selects(const KeyValues& labels) const {
  return !selector.empty() && std::all_of(selector.begin(), selector.end(), [&](const auto& entry) {
    const std::string* const value = find_value(labels, entry.first);
    return value != nullptr && *value == entry.second;
  });
}

Service decode_service(const Node& spec) {
  Service out;
  get_word(spec, "type", types, out.type);
  std::string address;
  get(spec, "clusterIP", address);
  get(spec, "clusterIPs", out.cluster_ips);
  if (out.cluster_ips.empty() && !address.empty()) out.cluster_ips = {address};
  out.headless = out.cluster_ips == std::vector<std::string>{"None"};
  if (out.headless) out.cluster_ips.clear();
  std::vector<std::string> families;
  get(spec, "ipFamilies", families);
  for (const auto& word : families)
    out.ip_families.push_back(word == "IPv6" ? IpFamily::v6 : IpFamily::v4);
  get(spec, "selector", out.selector);
  if (out.headless && out.selector.empty()) out.family_policy = FamilyPolicy::require_dual;
  get_word(spec, "ipFamilyPolicy", policies, out.family_policy);
  each(spec, "ports", [&out](const Node& item) { out.ports.push_back(decode_port(item)); });
  get(spec, "externalName", out.external_name);
  if (out.external_name.ends_with('.')) out.external_name.pop_back();
  get(spec, "publishNotReadyAddresses", out.publish_not_ready);
  std::string affinity;
  get(spec, "sessionAffinity", affinity);
  out.client_affinity = affinity == "ClientIP";
  in_map(spec, "sessionAffinityConfig", [&out](const Node& config) {
    in_map(config, "clientIP", [&out](const Node& client) {
      get_integer(client, "timeoutSeconds", out.affinity_seconds);
    });
  });
  return out;
}

void add_service(const Service& service, Node& object) {
  Node& spec = object.set("spec");
  spec.set("type", Node::make_string(word_of(types, service.type)));
  add_addresses(service, spec);
  if (!service.external_name.empty())
    spec.set("externalName", Node::make_string(service.external_name));
  if (!service.selector.empty()) {
    Node& selector = spec.set("selector");
    for (const auto& [key, value] : service.selector) selector.set(key, Node::make_string(value));
  }
  if (!service.ports.empty()) {
    Node ports = Node::make_list();
    for (const auto& port : service.ports) ports.push(port_node(port));
    spec.set("ports", std::move(ports));
  }
  if (service.publish_not_ready) spec.set("publishNotReadyAddresses", Node::make_boolean(true));
  if (service.client_affinity) {
    spec.set("sessionAffinity", Node::make_string("ClientIP"));
    spec.set("sessionAffinityConfig")
        .set("clientIP")
        .set("timeoutSeconds", Node::make_integer(service.affinity_seconds));
  }
}

std::vector<const EndpointPod*> endpoints_of(const Service& service, const std::string& namespace_,
                                             const std::vector<EndpointPod>& pods) {
  std::vector<const EndpointPod*> found;
  for (const auto& pod : pods)
    if (pod.namespace_ == namespace_ && !pod.gone && !pod.addresses.empty() &&
        (pod.ready || service.publish_not_ready) && service.selects(pod.labels))
      found.push_back(&pod);
  return found;
}

std::vector<std::string> addresses_of(const EndpointPod& pod, IpFamily family) {
  std::vector<std::string> out;
  for (const auto& address : pod.addresses)
    if (family_of(address) == family) out.push_back(address);
  return out;
}

std::uint16_t target_port(const ServicePort& port, const EndpointPod& pod) {
  return port.target.name.empty() ? port.target.number
                                  : pod.port_called(port.target.name, port.protocol);
}

void add_service_links(const std::string& name, const Service& service, KeyValues& out) {
  if (!service.has_address() || service.cluster_ips.empty() || service.ports.empty()) return;
  const auto& address = service.cluster_ips.front();
  const std::string prefix = variable_name(name);
  const auto& first = service.ports.front();
  out.emplace_back(prefix + "_SERVICE_HOST", address);
  out.emplace_back(prefix + "_SERVICE_PORT", std::to_string(first.port));
  for (const auto& port : service.ports)
    if (!port.name.empty())
      out.emplace_back(prefix + "_SERVICE_PORT_" + variable_name(port.name),
                       std::to_string(port.port));
  for (const auto& port : service.ports) {
    const std::string number = std::to_string(port.port);
    const std::string protocol = port.protocol == Protocol::udp ? "udp" : "tcp";
    const std::string url = protocol + "://" + with_port(address, port.port);
    const std::string one = prefix + "_PORT_" + number + "_" + (protocol == "udp" ? "UDP" : "TCP");
    if (&port == &first) out.emplace_back(prefix + "_PORT", url);
    out.emplace_back(one, url);
    out.emplace_back(one + "_PROTO", protocol);
    out.emplace_back(one + "_PORT", number);
    out.emplace_back(one + "_ADDR", address);
  }
}

}  // namespace pausa::pod
