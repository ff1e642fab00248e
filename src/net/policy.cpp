#include "net/policy.hpp"

#include "net/nat.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace pausa::net {
namespace {

bool is_v6(const std::string& address) {
  return address.find(':') != std::string::npos;
}

const char* family(bool v6) {
  return v6 ? "ip6" : "ip";
}

std::string braced(const std::vector<std::string>& entries) {
  return "{ " + listed(entries) + " }";
}

std::vector<std::string> of_family(const std::vector<std::string>& addresses, bool v6) {
  std::vector<std::string> out;
  for (const auto& address : addresses)
    if (is_v6(address) == v6 && std::find(out.begin(), out.end(), address) == out.end())
      out.push_back(address);
  return out;
}

// Those of one protocol, where one ends before the next begins: nft(8) takes no others.
std::vector<std::string> merged(const std::vector<PolicyPorts>& ports, bool udp) {
  std::vector<PolicyPorts> own;
  for (const auto& range : ports)
    if (range.udp == udp) own.push_back(range);
  std::sort(own.begin(), own.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<PolicyPorts> joined;
  for (const auto& range : own) {
    if (!joined.empty() && range.first <= joined.back().last)
      joined.back().last = std::max(joined.back().last, range.last);
    else
      joined.push_back(range);
  }
  std::vector<std::string> texts;
  for (const auto& range : joined)
    texts.push_back(range.first == range.last
                        ? std::to_string(range.first)
                        : std::to_string(range.first) + "-" + std::to_string(range.last));
  return texts;
}

// The conditions for who it is, one for each rule that it takes.
std::vector<std::string> peer_conditions(const PolicyAllow& allow, bool egress, bool v6) {
  if (allow.everybody) return {""};
  const std::string side = std::string(family(v6)) + (egress ? " daddr " : " saddr ");
  std::vector<std::string> conditions;
  if (const auto peers = of_family(allow.peers, v6); !peers.empty())
    conditions.push_back(side + braced(peers) + " ");
  for (const auto& block : allow.blocks) {
    const auto range = parse_subnet(block.range);
    if (!range || range->base.v6 != v6) continue;
    std::string text = side + to_text(*range) + " ";
    for (const auto& except : block.except)
      if (const auto part = parse_subnet(except)) text += side + "!= " + to_text(*part) + " ";
    conditions.push_back(std::move(text));
  }
  return conditions;
}

std::vector<std::string> port_conditions(const PolicyAllow& allow) {
  if (allow.every_port) return {""};
  std::vector<std::string> conditions;
  for (const bool udp : {false, true})
    if (const auto ports = merged(allow.ports, udp); !ports.empty())
      conditions.push_back(std::string(udp ? "udp" : "tcp") + " dport " + braced(ports) + " ");
  return conditions;
}

std::vector<std::string> door_conditions(const PolicyAllow& allow, bool v6) {
  std::vector<std::string> conditions;
  for (const bool udp : {false, true}) {
    std::vector<std::string> doors;
    for (const auto& door : allow.doors)
      if (door.udp == udp && is_v6(door.address) == v6)
        doors.push_back(door.address + " . " + std::to_string(door.port));
    if (!doors.empty())
      conditions.push_back(std::string(family(v6)) + " daddr . " + (udp ? "udp" : "tcp") +
                           " dport " + braced(doors) + " ");
  }
  return conditions;
}

std::string allow_rules(const PolicyAllow& allow, bool egress) {
  std::string text;
  const auto add = [&text](const std::vector<std::string>& peers,
                           const std::vector<std::string>& ports) {
    for (const auto& peer : peers)
      for (const auto& port : ports) text += "    " + peer + port + "accept\n";
  };
  const auto ports = port_conditions(allow);
  for (const bool v6 : {false, true}) {
    const auto peers = peer_conditions(allow, egress, v6);
    if (!allow.everybody || !v6) add(peers, ports);  // everybody is one rule for both families
    add(peers, door_conditions(allow, v6));
  }
  return text;
}

std::string in_text(const HardwareAddress& hardware) {
  constexpr const char* digits = "0123456789abcdef";
  std::string text;
  for (const auto byte : hardware) {
    if (!text.empty()) text += ':';
    text += digits[byte >> 4U];
    text += digits[byte & 15U];
  }
  return text;
}

std::string set(const std::string& name, const std::string& type,
                const std::vector<std::string>& elements) {
  std::string text = "  set " + name + " { type " + type + "; ";
  if (!elements.empty()) text += "elements = " + braced(elements) + "; ";
  return text + "}\n";
}

// Empty: it has none of this family.
std::string range_of(const PolicyBridge& bridge, bool v6) {
  if (!v6) return to_text(bridge.pool.v4);
  return bridge.pool.v6 ? to_text(*bridge.pool.v6) : std::string();
}

constexpr const char* neighbours = "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert }";

// A pod's address is taken from its own interface only, what is sent to it leaves by that one only,
// whatever others claim by ARP or with its hardware address, and a guarded pod sends nothing but
// IP: else it would be somebody else. Finding each other (ARP, neighbour discovery) stays the
// bridge's; all else that two pods tell each other, broadcast too, is kept from guarded ones unless
// the host has routed it. The family bridge sees all bridges of the machine: nothing is said of
// interfaces and ranges that are not ours.
std::string bridge_table(const std::string& table, const std::vector<PolicyBridge>& bridges,
                         const std::vector<PolicyPod>& pods) {
  std::vector<std::string> own[2], guarded[2], ports, gateways;
  for (const auto& pod : pods) {
    if (pod.is_guarded()) ports.push_back("\"" + pod.interface + "\"");
    for (const auto& address : pod.addresses) {
      const bool v6 = is_v6(address);
      own[v6].push_back("\"" + pod.interface + "\" . " + address);
      if (pod.is_guarded()) guarded[v6].push_back(address);
    }
  }
  for (const auto& bridge : bridges) gateways.push_back(in_text(bridge.hardware));
  std::string text = "table bridge " + table + " {\n";
  text += set("ports", "ifname", ports);
  for (const bool v6 : {false, true}) {
    const std::string type = v6 ? "ipv6_addr" : "ipv4_addr";
    const std::string number = v6 ? "6" : "4";
    text += set("own" + number, "ifname . " + type, own[v6]);
    text += set("guarded" + number, type, guarded[v6]);
  }
  text +=
      "  chain prerouting {\n    type filter hook prerouting priority -300; policy accept;\n"
      "    ether type arp accept\n    " +
      std::string(neighbours) + " accept\n    iifname @ports ether type != { ip, ip6 } drop\n";
  for (const bool v6 : {false, true}) {
    const std::string source = std::string(family(v6)) + " saddr ";
    const std::string number = v6 ? "6" : "4";
    const std::string foreign = "iifname . " + source + "!= @own" + number + " drop\n";
    text += std::string("    iifname @ports ether type ") + family(v6) + " " + foreign;
    for (const auto& bridge : bridges)
      if (const auto range = range_of(bridge, v6); !range.empty())
        text += "    iifname \"pausa*\" " + source + range + " " + foreign;
  }
  if (!gateways.empty()) text += "    ether daddr " + braced(gateways) + " accept\n";
  for (const auto& bridge : bridges)
    for (const bool v6 : {false, true}) {
      const std::string range = range_of(bridge, v6) + " ";
      if (range == " ") continue;
      const std::string name = family(v6);
      const std::string number = v6 ? "6" : "4";
      const std::string hand_over =
          "ether daddr set " + in_text(bridge.hardware) + " meta pkttype set host\n";
      text +=
          "    " + name + " daddr " + range + name + " daddr @guarded" + number + " " + hand_over;
      text +=
          "    " + name + " daddr " + range + name + " saddr @guarded" + number + " " + hand_over;
    }
  text +=
      "  }\n  chain forward {\n    type filter hook forward priority 0; policy accept;\n"
      "    ether type arp accept\n    " +
      std::string(neighbours) +
      " accept\n    iifname @ports drop\n    oifname @ports drop\n  }\n"
      "  chain postrouting {\n    type filter hook postrouting priority 0; policy accept;\n";
  for (const auto& bridge : bridges)
    for (const bool v6 : {false, true})
      if (const auto range = range_of(bridge, v6); !range.empty()) {
        const std::string to = std::string(family(v6)) + " daddr ";
        text += "    oifname \"pausa*\" ether daddr & 01:00:00:00:00:00 == 00:00:00:00:00:00 " +
                to + range + " oifname . " + to + "!= @own" + (v6 ? "6" : "4") + " drop\n";
      }
  return text + "  }\n}\n";
}

using Profile = std::vector<std::size_t>;

// Where packets of these addresses are judged.
std::string judged(const std::map<Profile, std::string>& profiles,
                   const std::vector<PolicyPod>& pods, bool egress) {
  std::string text;
  for (const bool v6 : {false, true}) {
    std::vector<std::string> entries;
    for (const auto& pod : pods) {
      const auto& profile = egress ? pod.egress : pod.ingress;
      if (!profile) continue;
      for (const auto& address : of_family(pod.addresses, v6))
        entries.push_back(address + " : goto " + profiles.at(*profile));
    }
    if (!entries.empty())
      text += std::string("    ") + family(v6) + (egress ? " saddr" : " daddr") + " vmap " +
              braced(entries) + "\n";
  }
  return text;
}

// What a pod sends to itself by a Service is its own affair.
std::string known_good(const std::string& from_bridges, const std::vector<PolicyPod>& pods) {
  std::string text = "    ct state established,related accept\n";
  for (const bool v6 : {false, true}) {
    std::vector<std::string> selves;
    for (const auto& pod : pods)
      if (pod.is_guarded())
        for (const auto& address : of_family(pod.addresses, v6))
          selves.push_back(address + " . " + address);
    if (!selves.empty())
      text += from_bridges + family(v6) + " saddr . " + family(v6) + " daddr " + braced(selves) +
              " accept\n";
  }
  return text;
}

std::string inet_table(const std::string& table, const std::vector<PolicyBridge>& bridges,
                       const std::vector<PolicyChain>& chains, const std::vector<PolicyPod>& pods) {
  std::string text = "table inet " + table + " {\n";
  for (std::size_t i = 0; i < chains.size(); ++i) {
    text += "  chain policy_" + std::to_string(i) + " {  # " + chains[i].words + "\n";
    for (const auto& allow : chains[i].allows) text += allow_rules(allow, chains[i].egress);
    text += "  }\n";
  }
  // Pods for which the same policies hold share a chain: who is let through by none is dropped.
  std::map<Profile, std::string> profiles;
  for (const auto& pod : pods)
    for (const auto* profile : {&pod.ingress, &pod.egress})
      if (*profile) profiles.emplace(**profile, "");
  std::size_t count = 0;
  for (auto& [profile, name] : profiles) {
    name = "pods_" + std::to_string(count++);
    text += "  chain " + name + " {\n";
    for (const auto chain : profile) text += "    jump policy_" + std::to_string(chain) + "\n";
    text += "    drop\n  }\n";
  }
  std::vector<std::string> names;
  for (const auto& bridge : bridges) names.push_back("\"" + bridge.name + "\"");
  const std::string good = known_good("    iifname " + braced(names) + " ", pods);
  // Egress and ingress are two base chains, since accept ends the one in which it is said: both
  // must.
  text += "  chain egress {\n    type filter hook forward priority -6; policy accept;\n" + good +
          judged(profiles, pods, true) + "  }\n";
  text += "  chain egress_to_host {\n    type filter hook input priority -6; policy accept;\n    " +
          std::string(neighbours) + " accept\n" + good + judged(profiles, pods, true) + "  }\n";
  text += "  chain ingress {\n    type filter hook forward priority -5; policy accept;\n" + good;
  // An address of elsewhere that comes from a bridge is nobody's.
  for (const auto& bridge : bridges)
    for (const bool v6 : {false, true}) {
      std::vector<std::string> guarded;
      for (const auto& pod : pods)
        if (pod.ingress)
          for (const auto& address : of_family(pod.addresses, v6)) guarded.push_back(address);
      if (guarded.empty() || (v6 && !bridge.pool.v6)) continue;
      text += "    iifname \"" + bridge.name + "\" " + family(v6) +
              " saddr != " + to_text(v6 ? *bridge.pool.v6 : bridge.pool.v4) + " " + family(v6) +
              " daddr " + braced(guarded) + " drop\n";
    }
  text += judged(profiles, pods, false) + "  }\n";
  // Nobody is told of the shorter way.
  text += "  chain no_redirects {\n    type filter hook output priority -2; policy accept;\n";
  if (!names.empty())
    for (const char* redirect : {"icmp type redirect", "icmpv6 type nd-redirect"})
      text += "    oifname " + braced(names) + " " + redirect + " drop\n";
  return text + "  }\n}\n";
}

}  // namespace

std::string policy_rules(const std::string& table, const std::vector<PolicyBridge>& bridges,
                         const std::vector<PolicyChain>& chains,
                         const std::vector<PolicyPod>& pods) {
  std::string text;
  for (const char* kind : {"bridge ", "inet "})
    text += std::string("table ") + kind + table + " {}\ndelete table " + kind + table + "\n";
  return text + bridge_table(table, bridges, pods) + inet_table(table, bridges, chains, pods);
}

}  // namespace pausa::net
