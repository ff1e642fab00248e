#include "cli/publish.hpp"

#include "cli/command.hpp"
#include "pod/names.hpp"
#include "supervisor/ports.hpp"
#include "supervisor/stored_pod.hpp"
#include "sys/error.hpp"
#include "sys/hash.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <set>

namespace pausa::cli {
namespace {

using pod::Node;

std::uint16_t number_of(const std::string& digits, const std::string& text) {
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || number == 0)
    throw UsageError("--publish: \"" + text +
                     "\": write [ADDRESS:]HOSTPORT:PORT[/udp] with ports from 1 to 65535");
  return number;
}

pod::ContainerPort parse(const std::string& text) {
  pod::ContainerPort wanted;
  std::string rest = text;
  if (const auto slash = rest.find('/'); slash != std::string::npos) {
    const auto protocol = rest.substr(slash + 1);
    if (protocol != "tcp" && protocol != "udp")
      throw UsageError("--publish: \"" + text + "\": the protocol is tcp or udp");
    if (protocol == "udp") wanted.protocol = pod::Protocol::udp;
    rest.resize(slash);
  }
  const auto last = rest.rfind(':');
  wanted.container_port = number_of(last == std::string::npos ? "" : rest.substr(last + 1), text);
  rest.resize(last);
  const auto before = rest.rfind(':');
  const auto host_at = before == std::string::npos ? 0 : before + 1;
  wanted.host_port = number_of(rest.substr(host_at), text);
  if (before == std::string::npos) return wanted;
  auto& address = wanted.host_ip;
  address = rest.substr(0, before);
  if (address.starts_with('[') && address.ends_with(']'))
    address = address.substr(1, address.size() - 2);
  if (!pod::ip_faults(address).empty())
    throw UsageError("--publish: \"" + address + "\" is no IP address");
  return wanted;
}

bool is_port(const pod::ContainerPort& port, const pod::ContainerPort& wanted) {
  return port.container_port == wanted.container_port && port.protocol == wanted.protocol;
}

bool is_everywhere(const std::string& address) {
  return address.empty() || address == "0.0.0.0" || address == "::";
}

bool same_on_host(const pod::ContainerPort& a, const pod::ContainerPort& b) {
  return a.host_port == b.host_port && a.protocol == b.protocol &&
         (is_everywhere(a.host_ip) || is_everywhere(b.host_ip) ||
          net::parse_address(a.host_ip) == net::parse_address(b.host_ip));
}

void write_into(Node& node, const pod::ContainerPort& port) {
  node.set("containerPort", Node::make_integer(port.container_port));
  node.set("hostPort", Node::make_integer(port.host_port));
  if (!port.host_ip.empty()) node.set("hostIP", Node::make_string(port.host_ip));
  if (port.protocol == pod::Protocol::udp) node.set("protocol", Node::make_string("UDP"));
}

std::string in_brackets(const std::string& address) {
  return address.find(':') != std::string::npos ? "[" + address + "]" : address;
}

std::string shown(const pod::ContainerPort& port) {
  return in_brackets(port.host_ip.empty() ? "0.0.0.0" : port.host_ip) + ":" +
         std::to_string(port.host_port);
}

// The address by which this machine reaches it.
pod::ContainerPort from_here(pod::ContainerPort port) {
  if (port.host_ip.empty() || port.host_ip == "0.0.0.0") port.host_ip = "127.0.0.1";
  if (port.host_ip == "::") port.host_ip = "::1";
  return port;
}

std::string url_of(const pod::ContainerPort& port) {
  return (port.container_port == 443 ? "https://" : "http://") + shown(from_here(port));
}

std::string as_variable(std::string text) {
  for (char& c : text)
    c = std::isalnum(static_cast<unsigned char>(c)) != 0
            ? static_cast<char>(std::toupper(static_cast<unsigned char>(c)))
            : '_';
  return text;
}

constexpr std::uint32_t first_auto = 20000;  // below the ports that the kernel gives to clients
constexpr std::uint32_t count_auto = 10000;

// Its own are not free, but are what it is to have.
std::uint16_t free_port(std::uint32_t hash, bool udp, const std::vector<std::uint16_t>& taken) {
  for (std::uint32_t i = 0; i < count_auto; ++i) {
    net::PublishedPort port;
    port.host_port = static_cast<std::uint16_t>(first_auto + (hash + i) % count_auto);
    port.udp = udp;
    if (std::find(taken.begin(), taken.end(), port.host_port) == taken.end() &&
        net::listen_on(port))
      return port.host_port;
  }
  throw sys::Error("--ports auto: no port from " + std::to_string(first_auto) + " on is free");
}

// The host's port that the pod has for it now; 0: none.
std::uint16_t current_port(const std::optional<supervisor::StoredPod>& before,
                           const std::string& container, const pod::ContainerPort& port) {
  if (!before) return 0;
  for (const auto& one : before->pod.spec.containers)
    if (one.name == container)
      for (const auto& other : one.ports)
        if (other.container_port == port.container_port && other.protocol == port.protocol)
          return other.host_port;
  return 0;
}

std::string inside(const pod::ContainerPort& port) {
  return std::to_string(port.container_port) +
         (port.protocol == pod::Protocol::udp ? "/udp" : "/tcp");
}

template <typename Each>
void each_published(const pod::Spec& spec, const std::string& only, Each each) {
  for (const auto* list : {&spec.init_containers, &spec.containers})
    for (const auto& container : *list)
      for (const auto& port : container.ports)
        if (port.host_port != 0 &&
            (only.empty() || inside(port) == only || inside(port) == only + "/tcp" ||
             (!port.name.empty() && port.name == only)))
          each(port);
}

[[noreturn]] void refuse_twice(const std::string& text, const pod::ContainerPort& port,
                               const pod::ContainerPort& other) {
  throw UsageError("--publish: \"" + text + "\": port " + std::to_string(port.host_port) +
                   (port.protocol == pod::Protocol::udp ? "/udp" : "/tcp") +
                   " of this machine is given twice, to the pod's port " +
                   std::to_string(other.container_port) +
                   (is_port(port, other) ? "" : " and to " + std::to_string(port.container_port)));
}

// What declares it first; nullptr: nothing does.
const pod::ContainerPort* declared(const pod::Container& container,
                                   const pod::ContainerPort& wanted) {
  const auto& ports = container.ports;
  const auto at = std::find_if(ports.begin(), ports.end(),
                               [&](const auto& port) { return is_port(port, wanted); });
  return at == ports.end() ? nullptr : &*at;
}

std::size_t container_of(const pod::Spec& spec, const pod::ContainerPort& wanted) {
  for (std::size_t i = 0; i < spec.containers.size(); ++i)
    if (declared(spec.containers[i], wanted) != nullptr) return i;
  return 0;
}

// The entry that has this port of the host already, else one that has none yet, else a new one.
std::size_t entry_for(const std::vector<pod::ContainerPort>& ports,
                      const pod::ContainerPort& wanted) {
  std::size_t found = ports.size();
  for (std::size_t i = ports.size(); i-- > 0;) {
    if (!is_port(ports[i], wanted)) continue;
    if (same_on_host(ports[i], wanted)) return i;
    if (ports[i].host_port == 0) found = i;
  }
  return found;
}

void publish_one(const pod::ContainerPort& wanted, const std::string& text, pod::Spec& spec,
                 Node& nodes) {
  const auto container = container_of(spec, wanted);
  auto& ports = spec.containers[container].ports;
  const auto index = entry_for(ports, wanted);
  if (index == ports.size()) ports.emplace_back();
  auto& port = ports[index];
  auto name = std::move(port.name);
  port = wanted;
  port.name = std::move(name);
  each_published(spec, "", [&](const pod::ContainerPort& other) {
    if (&other != &port && same_on_host(other, port)) refuse_twice(text, port, other);
  });
  Node& node = nodes.items[container];
  if (node.find("ports") == nullptr) node.set("ports", Node::make_list());
  Node& list = *node.find("ports");
  if (index >= list.items.size()) list.items.push_back(Node::make_map());
  write_into(list.items[index], port);
}

}  // namespace

void publish(const std::vector<std::string>& texts, manifest::LoadedPod& loaded) {
  auto& pod_spec = loaded.pod.spec;
  Node* const spec = loaded.object.find("spec");
  Node* const nodes = spec != nullptr ? spec->find("containers") : nullptr;
  if (pod_spec.containers.empty() || nodes == nullptr) return;
  if (pod_spec.host_network)
    throw UsageError(
        "--publish: a pod in the host's network publishes nothing: who listens there has the "
        "host's port; leave it out, or the host's network");
  std::vector<pod::ContainerPort> ports;
  for (const auto& text : texts) {
    auto wanted = parse(text);
    const auto* known = declared(pod_spec.containers[container_of(pod_spec, wanted)], wanted);
    if (wanted.host_ip.empty() && known != nullptr) wanted.host_ip = known->host_ip;
    for (const auto& other : ports)
      if (same_on_host(other, wanted)) refuse_twice(text, wanted, other);
    ports.push_back(std::move(wanted));
  }
  for (std::size_t i = 0; i < ports.size(); ++i) publish_one(ports[i], texts[i], pod_spec, *nodes);
}

std::vector<std::uint16_t> ports_to_publish(const std::vector<std::string>& words) {
  std::vector<std::uint16_t> ports;
  for (const auto& text : words)
    if (const auto wanted = parse(text); wanted.protocol == pod::Protocol::tcp)
      ports.push_back(wanted.container_port);
  return ports;
}

void publish_all(const state::Store& store, const std::string& project, manifest::LoadedPod& loaded,
                 std::vector<std::uint16_t>& taken) {
  const auto& metadata = loaded.pod.metadata;
  const state::PodKey key{metadata.namespace_, metadata.name};
  std::optional<supervisor::StoredPod> before;
  if (const auto record = store.read(key); record && !record->state.finished)
    before = supervisor::read_stored_pod(store, key);
  Node* const spec = loaded.object.find("spec");
  Node* const nodes = spec != nullptr ? spec->find("containers") : nullptr;
  for (std::size_t i = 0; nodes != nullptr && i < loaded.pod.spec.containers.size(); ++i) {
    auto& container = loaded.pod.spec.containers[i];
    Node* const ports = nodes->items[i].find("ports");
    for (std::size_t j = 0; ports != nullptr && j < container.ports.size(); ++j) {
      auto& port = container.ports[j];
      if (port.host_port != 0 || port.protocol == pod::Protocol::sctp) continue;
      port.host_port = current_port(before, container.name, port);
      if (port.host_port == 0)
        port.host_port =
            free_port(sys::stable_hash(project + " " + key.folder() + " " + inside(port)),
                      port.protocol == pod::Protocol::udp, taken);
      taken.push_back(port.host_port);
      ports->items[j].set("hostPort", Node::make_integer(port.host_port));
    }
  }
}

std::vector<std::uint16_t> asked_ports(const std::vector<manifest::LoadedPod>& pods) {
  std::vector<std::uint16_t> ports;
  for (const auto& entry : pods)
    each_published(entry.pod.spec, "",
                   [&ports](const pod::ContainerPort& port) { ports.push_back(port.host_port); });
  return ports;
}

std::vector<std::string> port_assignments(const std::string& pod, const pod::Spec& spec,
                                          const std::string& only) {
  std::vector<std::string> lines;
  std::set<std::string> told;  // of one that has two ports of the host the first counts
  each_published(spec, only, [&](const pod::ContainerPort& port) {
    const auto name = as_variable(
        pod + "_" + (port.name.empty() ? std::to_string(port.container_port) : port.name));
    if (!told.insert(name + " " + inside(port)).second) return;
    lines.push_back(name + "_HOST=" + from_here(port).host_ip);
    lines.push_back(name + "_PORT=" + std::to_string(port.host_port));
    if (port.protocol == pod::Protocol::tcp) lines.push_back(name + "_URL=" + url_of(port));
  });
  return lines;
}

std::vector<std::string> port_lines(const pod::Spec& spec, const std::string& only) {
  std::vector<std::string> lines;
  each_published(spec, only, [&](const pod::ContainerPort& port) {
    lines.push_back(only.empty() ? inside(port) + " -> " + shown(port) : shown(port));
  });
  return lines;
}

std::string port_url(const pod::Spec& spec, const std::string& only) {
  std::string url;
  each_published(spec, only, [&](const pod::ContainerPort& port) {
    if (!url.empty() || port.protocol != pod::Protocol::tcp) return;
    url = url_of(port);
  });
  return url;
}

}  // namespace pausa::cli
