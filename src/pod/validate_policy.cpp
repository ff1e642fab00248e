// A NetworkPolicy, by Kubernetes' rules and ours.
#include "pod/ip_block.hpp"
#include "pod/rules.hpp"

namespace pausa::pod {
namespace {

constexpr std::string_view protocols[] = {"SCTP", "TCP", "UDP"};
constexpr std::string_view types[] = {"Egress", "Ingress"};
constexpr std::int64_t last_port = 65535;
constexpr std::string_view range_rule =
    "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

void check_port(const Value& entry, Findings& findings) {
  check_choice(entry["protocol"], protocols, findings);
  if (entry["protocol"].is("SCTP"))
    findings.forbidden(entry["protocol"], "not supported by pausa: SCTP of pods");
  const Value port = entry["port"];
  const Value end = entry["endPort"];
  if (!port.present()) {
    if (end.present()) findings.invalid(end, "may not be specified when `port` is not specified");
  } else if (const auto number = port.integer()) {
    check_range(port, 1, last_port, findings);
    if (!end.integer()) return;
    if (*end.integer() < *number) findings.invalid(end, "must be greater than or equal to `port`");
    check_range(end, 1, last_port, findings);
  } else if (port.node()->is_string()) {
    if (end.present()) findings.invalid(end, "may not be specified when `port` is non-numeric");
    add_faults(port, port_name_faults(port.text()), findings);
  }
}

void check_ip_block(const Value& block, Findings& findings) {
  const Value cidr = block["cidr"];
  if (cidr.text().empty()) {
    findings.required(cidr);
    return;
  }
  const auto range = parse_ip_block(cidr.text());
  if (!range) findings.invalid(cidr, std::string(range_rule));
  for (const Value& except : block["except"].items()) {
    const auto part = parse_ip_block(except.text());
    if (!part)
      findings.invalid(except, std::string(range_rule));
    else if (range && (part->prefix <= range->prefix || !range->contains(*part)))
      findings.invalid(except, "must be a strict subset of `cidr`");
  }
}

void check_peer(const Value& peer, Findings& findings) {
  const bool by_label = peer["podSelector"].present() || peer["namespaceSelector"].present();
  const Value block = peer["ipBlock"];
  check_label_selector(peer["podSelector"], findings);
  check_label_selector(peer["namespaceSelector"], findings);
  if (block.present()) check_ip_block(block, findings);
  if (!by_label && !block.present())
    findings.required(peer, "must specify a peer");
  else if (by_label && block.present())
    findings.forbidden(peer, "may not specify both ipBlock and another peer");
}

void check_rules(const Value& rules, std::string_view peers, Findings& findings) {
  for (const Value& rule : rules.items()) {
    for (const Value& port : rule["ports"].items()) check_port(port, findings);
    for (const Value& peer : rule[peers].items()) check_peer(peer, findings);
  }
}

}  // namespace

void check_network_policy(const Value& policy, Findings& findings) {
  const Value spec = policy["spec"];
  check_label_selector(spec["podSelector"], findings);
  check_rules(spec["ingress"], "from", findings);
  check_rules(spec["egress"], "to", findings);
  const Value wanted = spec["policyTypes"];
  if (wanted.size() > std::size(types)) {
    findings.invalid(wanted, "may not specify more than two policyTypes");
    return;
  }
  for (const Value& type : wanted.items()) check_choice(type, types, findings);
}

}  // namespace pausa::pod
