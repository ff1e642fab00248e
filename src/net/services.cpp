#include "net/services.hpp"

#include "net/bridge.hpp"
#include "net/conntrack.hpp"
#include "net/nat.hpp"
#include "net/netlink.hpp"
#include "sys/error.hpp"
#include "sys/file_lock.hpp"
#include "sys/hash.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <linux/netfilter.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <set>

namespace pausa::net {
namespace {

constexpr std::size_t rules_limit = 16U << 20U;
constexpr const char* flows_file = "flows";  // what UDP is led to, "53 10.86.0.3" a line

constexpr const char* system_folder = "/run/pausa/network";

// As the tables of bridges are named; those of other run folders have a mark of theirs.
std::string name_of(const std::string& folder) {
  if (folder == system_folder) return "services";
  return "services-" + std::to_string(sys::stable_hash(folder));
}

const char* protocol(const ServiceRoute& route) {
  return route.udp ? "udp" : "tcp";
}

std::string chain_of(std::size_t index) {
  return "service_" + std::to_string(index);
}

// Each target has its turn; or each client its target, as long as they stay the same.
std::string choice(const ServiceRoute& route) {
  if (route.targets.size() == 1) {
    const auto& only = route.targets.front();
    const auto dot = only.find(" . ");
    return "dnat ip to " + only.substr(0, dot) + ":" + only.substr(dot + 3);
  }
  const std::string count = std::to_string(route.targets.size());
  std::string text = route.by_client ? "dnat ip to jhash ip saddr mod " + count
                                     : "dnat ip to numgen inc mod " + count;
  text += " map { ";
  for (std::size_t i = 0; i < route.targets.size(); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(i) + " : " + route.targets[i];
  return text + " }";
}

std::set<std::string> udp_flows(const std::vector<ServiceRoute>& routes) {
  std::set<std::string> flows;
  for (const auto& route : routes)
    for (const auto& target : route.targets) {
      if (!route.udp) continue;
      const auto address = target.substr(0, target.find(' '));
      flows.insert(std::to_string(route.port) + " " + address);
      if (route.node_port != 0) flows.insert(std::to_string(route.node_port) + " " + address);
    }
  return flows;
}

// A row of UDP packets stays with its pod for as long as they keep coming: when the pod is no
// longer behind the Service it is to go elsewhere.
void forget_left(const std::string& before, const std::set<std::string>& now) {
  std::set<std::string> left;
  for (std::size_t at = 0; at < before.size();) {
    const std::size_t end = std::min(before.find('\n', at), before.size());
    auto line = before.substr(at, end - at);
    if (!now.contains(line)) left.insert(std::move(line));
    at = end + 1;
  }
  if (left.empty()) return;
  (void)forget_flows([&left](const Flow& flow) {
    return flow.protocol == IPPROTO_UDP && !(flow.destination == flow.answer_source) &&
           left.contains(std::to_string(flow.port) + " " + to_text(flow.answer_source));
  });
}

}  // namespace

// A pod that asks for a Service and gets a pod on its own bridge would hear the answer directly,
// from an address that it has not asked: what goes back to the bridge therefore comes from the
// bridge's address. Nothing is told of shorter ways (ICMP redirects): the way over the host is the
// one that knows the Service.
std::string service_rules(const std::string& table_name, const std::vector<std::string>& bridges,
                          const Subnet& range, const std::vector<ServiceRoute>& routes) {
  const std::string table = "inet " + table_name;
  const std::string addresses = to_text(range);
  std::vector<std::string> services, node_ports;
  std::string chains;
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const auto& route = routes[i];
    if (route.targets.empty()) continue;
    chains += "  chain " + chain_of(i) + " {  # " + route.words + "\n    meta l4proto " +
              protocol(route) + " " + choice(route) + "\n  }\n";
    services.push_back(route.address + " . " + protocol(route) + " . " +
                       std::to_string(route.port) + " : goto " + chain_of(i));
    if (route.node_port != 0)
      node_ports.push_back(std::string(protocol(route)) + " . " + std::to_string(route.node_port) +
                           " : goto " + chain_of(i));
  }
  std::string text =
      "table " + table + " {}\ndelete table " + table + "\ntable " + table + " {\n" + chains;
  text += "  chain services {\n";
  if (!services.empty())
    text += "    ip daddr . meta l4proto . th dport vmap { " + listed(services) + " }\n";
  text += "  }\n  chain node_ports {\n";
  if (!node_ports.empty())
    text +=
        "    fib daddr type local meta l4proto . th dport vmap { " + listed(node_ports) + " }\n";
  text += "  }\n";
  const auto way_in = [&text](const std::string& hook, const std::string& lines) {
    text += "  chain " + hook + " {\n    type nat hook " + hook +
            " priority -101; policy accept;\n" + lines + "    jump node_ports\n  }\n";
  };
  // A Service's own address is for this machine and its pods.
  std::string from_pods;
  for (const auto& bridge : bridges) from_pods += "    iifname \"" + bridge + "\" jump services\n";
  way_in("prerouting", from_pods);
  way_in("output", "    jump services\n");
  std::string leave, redirects;
  for (const auto& bridge : bridges) {
    const std::string out = "oifname \"" + bridge + "\"";
    leave += "    ct status dnat iifname \"" + bridge + "\" " + out + " masquerade\n";
    redirects += "    " + out + " icmp type redirect drop\n";
  }
  text += "  chain leave {\n    type nat hook postrouting priority 99; policy accept;\n" + leave +
          "  }\n";
  for (const char* hook : {"forward", "output"})
    text += std::string("  chain refuse_") + hook + " {\n    type filter hook " + hook +
            " priority -1; policy accept;\n    ip daddr " + addresses +
            " meta l4proto tcp reject with tcp reset\n    ip daddr " + addresses + " reject\n  }\n";
  text += "  chain no_redirects {\n    type filter hook output priority -2; policy accept;\n" +
          redirects + "  }\n";
  return text + "}\n";
}

std::string loopback_rules(const std::vector<ServiceRoute>& routes) {
  std::string text =
      "table inet pausa-services {\n  chain output {\n"
      "    type nat hook output priority -100; policy accept;\n";
  for (const auto& route : routes)
    text += "    ip daddr " + route.address + " " + protocol(route) + " dport " +
            std::to_string(route.port) + " " + choice(route) + "\n";
  return text + "  }\n}\n";
}

void apply_loopback_rules(const std::string& rules) {
  run_nft(rules);
}

ServicesLock::ServicesLock(const std::string& folder)
    : file_(sys::lock_in_folder(services_folder(folder), "lock", "lock the Services")) {}

void apply_services(const std::string& folder, const Subnet& range,
                    const std::vector<ServiceRoute>& routes) {
  const std::string table = table_of(name_of(folder));
  const std::string rules = service_rules(table, known_bridges(folder), range, routes);
  const std::string mark = mark_of(rules);
  const auto flows = udp_flows(routes);
  std::string text;
  for (const auto& flow : flows) text += flow + "\n";
  const auto own = sys::make_dirs_at(AT_FDCWD, services_folder(folder), 0700);
  const auto before = sys::read_file_at(own.get(), flows_file, rules_limit);
  const bool made = has_mark(table, NFPROTO_INET, mark);
  if (made && before == text) return;
  if (!made) run_nft(rules + mark_rules("inet " + table, mark));
  forget_left(before.value_or(""), flows);
  sys::replace_file_at(own.get(), flows_file, text, 0600);
}

void remove_services(const std::string& folder) {
  remove_rules(name_of(folder));
  sys::remove_tree_at(AT_FDCWD, services_folder(folder));
}

}  // namespace pausa::net
