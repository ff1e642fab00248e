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

const char* family(bool v6) {
  return v6 ? "ip6" : "ip";
}

// Each target has its turn; or each client its target, as long as they stay the same.
std::string choice(const ServiceRoute& route) {
  const std::string name = family(route.is_v6());
  const std::string to = "dnat " + name + " to ";
  if (route.targets.size() == 1) {
    const auto& only = route.targets.front();
    const auto dot = only.find(" . ");
    const auto address = only.substr(0, dot);
    return to + (route.is_v6() ? "[" + address + "]" : address) + ":" + only.substr(dot + 3);
  }
  const std::string count = std::to_string(route.targets.size());
  std::string text = to + (route.by_client ? "jhash " + name + " saddr" : "numgen inc") + " mod " +
                     count + " map { ";
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

// What nobody answers for.
std::string refusal(const Pool& range) {
  std::string text;
  for (const bool v6 : {false, true}) {
    if (v6 && !range.v6) continue;
    const std::string there =
        std::string("    ") + family(v6) + " daddr " + to_text(v6 ? *range.v6 : range.v4);
    text += there + " meta l4proto tcp reject with tcp reset\n" + there + " reject\n";
  }
  return text;
}

// Which chain serves an address and port, and a port of this machine. No rule leads ::1 anywhere:
// packets from there leave the loopback with no address that would be answered.
struct Ways {
  std::vector<std::string> services[2], node_ports[2];  // of IPv4, of IPv6

  void add(const ServiceRoute& route, const std::string& chain) {
    const bool v6 = route.is_v6();
    const std::string kind = protocol(route);
    services[v6].push_back(route.address + " . " + kind + " . " + std::to_string(route.port) +
                           " : goto " + chain);
    if (route.node_port != 0)
      node_ports[v6].push_back(kind + " . " + std::to_string(route.node_port) + " : goto " + chain);
  }
  std::string rules() const {
    std::string text = "  chain services {\n";
    for (const bool v6 : {false, true})
      if (!services[v6].empty())
        text += std::string("    ") + family(v6) + " daddr . meta l4proto . th dport vmap { " +
                listed(services[v6]) + " }\n";
    text += "  }\n  chain node_ports {\n    ip6 daddr ::1 return\n";
    for (const bool v6 : {false, true})
      if (!node_ports[v6].empty())
        text += std::string("    meta nfproto ") + (v6 ? "ipv6" : "ipv4") +
                " fib daddr type local meta l4proto . th dport vmap { " + listed(node_ports[v6]) +
                " }\n";
    return text + "  }\n";
  }
};

}  // namespace

// A pod that asks for a Service and gets a pod on its own bridge would hear the answer directly,
// from an address that it has not asked: what goes back to the bridge therefore comes from the
// bridge's address. Nothing is told of shorter ways (ICMP redirects): the way over the host is the
// one that knows the Service.
std::string service_rules(const std::string& table_name, const std::vector<std::string>& bridges,
                          const Pool& range, const std::vector<ServiceRoute>& routes) {
  const std::string table = "inet " + table_name;
  Ways ways;
  std::string chains;
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const auto& route = routes[i];
    if (route.targets.empty()) continue;
    chains += "  chain " + chain_of(i) + " {  # " + route.words + "\n    meta l4proto " +
              protocol(route) + " " + choice(route) + "\n  }\n";
    ways.add(route, chain_of(i));
  }
  std::string text = "table " + table + " {}\ndelete table " + table + "\ntable " + table + " {\n" +
                     chains + ways.rules();
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
    for (const char* redirect : {" icmp type redirect", " icmpv6 type nd-redirect"})
      redirects += "    " + out + redirect + " drop\n";
  }
  text += "  chain leave {\n    type nat hook postrouting priority 99; policy accept;\n" + leave +
          "  }\n";
  for (const char* hook : {"forward", "output"})
    text += std::string("  chain refuse_") + hook + " {\n    type filter hook " + hook +
            " priority -1; policy accept;\n" + refusal(range) + "  }\n";
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

void apply_services(const std::string& folder, const Pool& range,
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
  // From pod to pod the way is over the host, though it may have none into the world.
  if (!made && std::any_of(routes.begin(), routes.end(), [](const auto& it) { return it.is_v6(); }))
    forward_packets(true);
  if (!made) run_nft(rules + mark_rules("inet " + table, mark));
  forget_left(before.value_or(""), flows);
  sys::replace_file_at(own.get(), flows_file, text, 0600);
}

void remove_services(const std::string& folder) {
  remove_rules(name_of(folder));
  sys::remove_tree_at(AT_FDCWD, services_folder(folder));
}

}  // namespace pausa::net
