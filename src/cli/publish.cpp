#include "cli/publish.hpp"

#include "cli/command.hpp"
#include "pod/names.hpp"

#include <algorithm>
#include <charconv>

namespace pausa::cli {
namespace {

using pod::Node;

struct Wanted {
  std::string address;
  std::uint16_t host = 0;
  std::uint16_t port = 0;
  bool udp = false;
};

std::uint16_t number_of(const std::string& digits, const std::string& text) {
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || number == 0)
    throw UsageError("--publish: \"" + text +
                     "\": write [ADDRESS:]HOSTPORT:PORT[/udp] with ports from 1 to 65535");
  return number;
}

Wanted parse(const std::string& text) {
  Wanted wanted;
  std::string rest = text;
  if (const auto slash = rest.find('/'); slash != std::string::npos) {
    const auto protocol = rest.substr(slash + 1);
    if (protocol != "tcp" && protocol != "udp")
      throw UsageError("--publish: \"" + text + "\": the protocol is tcp or udp");
    wanted.udp = protocol == "udp";
    rest.resize(slash);
  }
  const auto last = rest.rfind(':');
  wanted.port = number_of(last == std::string::npos ? "" : rest.substr(last + 1), text);
  rest.resize(last);
  const auto before = rest.rfind(':');
  const auto host_at = before == std::string::npos ? 0 : before + 1;
  wanted.host = number_of(rest.substr(host_at), text);
  if (before == std::string::npos) return wanted;
  wanted.address = rest.substr(0, before);
  if (wanted.address.starts_with('[') && wanted.address.ends_with(']'))
    wanted.address = wanted.address.substr(1, wanted.address.size() - 2);
  if (!pod::ip_faults(wanted.address).empty())
    throw UsageError("--publish: \"" + wanted.address + "\" is no IP address");
  return wanted;
}

bool is_port(const pod::ContainerPort& port, const Wanted& wanted) {
  return port.container_port == wanted.port &&
         port.protocol == (wanted.udp ? pod::Protocol::udp : pod::Protocol::tcp);
}

void write_into(Node& port, const Wanted& wanted) {
  port.set("containerPort", Node::make_integer(wanted.port));
  port.set("hostPort", Node::make_integer(wanted.host));
  if (!wanted.address.empty()) port.set("hostIP", Node::make_string(wanted.address));
  if (wanted.udp) port.set("protocol", Node::make_string("UDP"));
}

std::string shown(const pod::ContainerPort& port) {
  const std::string address = port.host_ip.empty() ? "0.0.0.0" : port.host_ip;
  const bool v6 = address.find(':') != std::string::npos;
  return (v6 ? "[" + address + "]" : address) + ":" + std::to_string(port.host_port);
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

}  // namespace

void publish(const std::string& text, manifest::LoadedPod& loaded) {
  const auto wanted = parse(text);
  auto& containers = loaded.pod.spec.containers;
  Node* const spec = loaded.object.find("spec");
  Node* const nodes = spec != nullptr ? spec->find("containers") : nullptr;
  if (containers.empty() || nodes == nullptr) return;
  std::size_t container = 0;
  std::size_t index = containers.front().ports.size();
  for (std::size_t i = containers.size(); i-- > 0;)
    for (std::size_t j = containers[i].ports.size(); j-- > 0;)
      if (is_port(containers[i].ports[j], wanted)) {
        container = i;
        index = j;
      }
  auto& ports = containers[container].ports;
  if (index == ports.size()) ports.emplace_back();
  auto& port = ports[index];
  port.container_port = wanted.port;
  port.host_port = wanted.host;
  port.host_ip = wanted.address;
  port.protocol = wanted.udp ? pod::Protocol::udp : pod::Protocol::tcp;
  Node& node = nodes->items[container];
  if (node.find("ports") == nullptr) node.set("ports", Node::make_list());
  Node& list = *node.find("ports");
  if (index >= list.items.size()) list.items.push_back(Node::make_map());
  write_into(list.items[index], wanted);
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
    auto local = port;
    if (local.host_ip.empty() || local.host_ip == "0.0.0.0") local.host_ip = "127.0.0.1";
    if (local.host_ip == "::") local.host_ip = "::1";
    url = (port.container_port == 443 ? "https://" : "http://") + shown(local);
  });
  return url;
}

}  // namespace pausa::cli
