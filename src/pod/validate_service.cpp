// A Service, by Kubernetes' rules and ours.
#include "pod/object.hpp"
#include "pod/rules.hpp"

#include <string>

namespace pausa::pod {
namespace {

constexpr std::string_view types[] = {"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"};
constexpr std::string_view affinities[] = {"ClientIP", "None"};
constexpr std::string_view families[] = {"IPv4", "IPv6"};
constexpr std::string_view family_policies[] = {"PreferDualStack", "RequireDualStack",
                                                "SingleStack"};
constexpr std::string_view traffic_policies[] = {"Cluster", "Local"};
constexpr std::string_view distributions[] = {"PreferClose", "PreferSameNode", "PreferSameZone"};
constexpr std::string_view protocols[] = {"SCTP", "TCP", "UDP"};
constexpr std::int64_t last_port = 65535;
constexpr std::int64_t first_node_port = 30000;
constexpr std::int64_t last_node_port = 32767;
constexpr std::int64_t longest_affinity = 86400;

bool has_node_ports(const Value& spec) {
  return spec["type"].is("NodePort") || spec["type"].is("LoadBalancer");
}

void check_address(const Value& spec, Findings& findings) {
  const Value list = spec["clusterIPs"];
  const Value address =
      spec["clusterIP"].text().empty() && list.size() > 0 ? list.at(0) : spec["clusterIP"];
  if (list.size() > 0 && !spec["clusterIP"].text().empty() &&
      list.at(0).text() != spec["clusterIP"].text())
    findings.invalid(list, "first value must match `clusterIP`");
  if (list.size() > 1)
    findings.forbidden(list.at(1), "not supported by pausa: a Service has one address");
  if (address.text().empty()) return;
  if (spec["type"].is("ExternalName"))
    findings.forbidden(address, "may not be set when `type` is 'ExternalName'");
  else if (address.is("None") && has_node_ports(spec))
    findings.invalid(address,
                     concat({"may not be set to 'None' for ", spec["type"].text(), " services"}));
  else if (!address.is("None"))
    add_faults(address, ip_faults(address.text()), findings);
  if (is_ip(address.text()) && address.text().find(':') != std::string_view::npos)
    findings.forbidden(address, "not supported by pausa: the addresses of Services are of IPv4");
}

void check_node_port(const Value& port, const Value& spec, Findings& findings) {
  const Value node_port = port["nodePort"];
  const auto number = node_port.integer().value_or(0);
  if (number == 0) return;
  if (!has_node_ports(spec)) {
    const auto type = spec["type"].text();
    findings.forbidden(node_port, concat({"may not be used when `type` is '",
                                          type.empty() ? "ClusterIP" : type, "'"}));
    return;
  }
  if (number < first_node_port || number > last_node_port)
    findings.invalid(node_port,
                     "provided port is not in the valid range. The range of valid ports is "
                     "30000-32767");
}

void check_port(const Value& port, const Value& spec, Findings& findings) {
  const Value name = port["name"];
  if (name.text().empty()) {
    if (spec["ports"].size() > 1) findings.required(name);
  } else {
    add_faults(name, dns_label_faults(name.text()), findings);
  }
  if (!port["port"].present())
    findings.required(port["port"]);
  else if (port["port"].integer())
    check_range(port["port"], 1, last_port, findings);
  check_choice(port["protocol"], protocols, findings);
  if (port["protocol"].is("SCTP"))
    findings.forbidden(port["protocol"], "not supported by pausa: SCTP of Services");
  const Value target = port["targetPort"];
  if (target.integer())
    check_range(target, 1, last_port, findings);
  else if (target.present() && target.node()->is_string())
    add_faults(target, port_name_faults(target.text()), findings);
}

// Names and numbers that must differ.
void check_distinct(const Value& spec, Findings& findings) {
  std::vector<std::string> words;
  const auto ports = spec["ports"].items();
  words.reserve(3 * ports.size());  // borrowed by what was seen
  Seen seen, node_ports;
  for (const Value& port : ports) {
    const Value name = port["name"];
    if (!name.text().empty()) {
      words.push_back(concat({"name ", name.text()}));
      if (!seen.add(words.back())) findings.duplicate(name);
    }
    const auto protocol = port["protocol"].text().empty() ? "TCP" : port["protocol"].text();
    words.push_back(concat({protocol, " ", port["port"].shown()}));
    if (!seen.add(words.back())) findings.duplicate(port);
    check_node_port(port, spec, findings);
    if (port["nodePort"].integer().value_or(0) == 0) continue;
    words.push_back(concat({protocol, " ", port["nodePort"].shown()}));
    if (!node_ports.add(words.back())) findings.duplicate(port["nodePort"]);
  }
}

void check_affinity_config(const Value& spec, Findings& findings) {
  const Value affinity = spec["sessionAffinity"];
  const Value config = spec["sessionAffinityConfig"];
  check_choice(affinity, affinities, findings);
  if (!affinity.is("ClientIP")) {
    if (config.present())
      findings.forbidden(config, "must not be set when session affinity is None");
    return;
  }
  const Value seconds = config["clientIP"]["timeoutSeconds"];
  if (seconds.integer() && (*seconds.integer() <= 0 || *seconds.integer() > longest_affinity))
    findings.invalid(seconds, "must be greater than 0 and less than 86400");
}

// They have no effect here, but are to be what a cluster takes.
void check_families_and_traffic(const Value& spec, Findings& findings) {
  for (const Value& family : spec["ipFamilies"].items()) check_choice(family, families, findings);
  check_choice(spec["ipFamilyPolicy"], family_policies, findings);
  check_choice(spec["internalTrafficPolicy"], traffic_policies, findings);
  check_choice(spec["trafficDistribution"], distributions, findings);
  const Value external = spec["externalTrafficPolicy"];
  if (has_node_ports(spec) || external.text().empty())
    check_choice(external, traffic_policies, findings);
  else
    findings.invalid(external, "may only be set for externally-accessible services");
}

}  // namespace

void check_service(const Value& service, Findings& findings) {
  const Value name = service["metadata"]["name"];
  if (!name.text().empty() && dns_subdomain_faults(name.text()).empty())
    add_faults(name, dns_1035_label_faults(name.text()), findings);
  const Value spec = service["spec"];
  check_choice(spec["type"], types, findings);
  if (spec["type"].is("LoadBalancer"))
    findings.forbidden(spec["type"],
                       "not supported by pausa: nobody here gives out addresses; use NodePort");
  const bool external = spec["type"].is("ExternalName");
  if (spec["ports"].size() == 0 && !external && !spec["clusterIP"].is("None"))
    findings.required(spec["ports"]);
  check_address(spec, findings);
  if (external) {
    const Value target = spec["externalName"];
    std::string_view text = target.text();
    if (text.ends_with('.')) text.remove_suffix(1);
    if (text.empty())
      findings.required(target);
    else
      add_faults(target, dns_subdomain_faults(text), findings);
  }
  for (const Value& port : spec["ports"].items()) check_port(port, spec, findings);
  check_distinct(spec, findings);
  if (spec["selector"].present()) check_labels(spec["selector"], findings);
  check_affinity_config(spec, findings);
  check_families_and_traffic(spec, findings);
}

}  // namespace pausa::pod
