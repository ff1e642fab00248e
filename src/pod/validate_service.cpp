// A Service, by Kubernetes' rules and ours.
#include "pod/object.hpp"
#include "pod/rules.hpp"

#include <algorithm>
#include <string>

namespace pausa::pod {
namespace {

constexpr std::string_view types[] = {"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"};
constexpr std::string_view affinities[] = {"ClientIP", "None"};
constexpr std::string_view family_words[] = {"IPv4", "IPv6"};
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

bool is_v6(std::string_view address) {
  return address.find(':') != std::string_view::npos;
}

// Gives the addresses that can be told apart by family; none: something is wrong with them.
std::vector<Value> checked_addresses(const Value& spec, Findings& findings) {
  const Value list = spec["clusterIPs"];
  const Value one = spec["clusterIP"];
  if (list.size() > 0 && one.text().empty())
    findings.invalid(list, "must be empty when `clusterIP` is not specified");
  else if (list.size() > 0 && list.at(0).text() != one.text())
    findings.invalid(list, "first value must match `clusterIP`");
  std::vector<Value> addresses = list.items();
  if (addresses.empty() && !one.text().empty()) addresses.push_back(one);
  bool sound = addresses.size() <= 2;
  if (!sound) findings.invalid(list, "may only hold up to 2 values");
  for (const Value& address : addresses) {
    if (address.is("None") && &address == &addresses.front()) {
      if (has_node_ports(spec))
        findings.invalid(
            address, concat({"may not be set to 'None' for ", spec["type"].text(), " services"}));
      if (addresses.size() > 1) findings.invalid(list, "'None' must be the first and only value");
      sound = false;
      continue;
    }
    const auto faults = ip_faults(address.text());
    add_faults(address, faults, findings);
    sound = sound && faults.empty();
  }
  return sound ? addresses : std::vector<Value>();
}

// ValidateServiceClusterIPsRelatedFields() and initIPFamilyFields() of an API server (Kubernetes
// 1.20 and later).
void check_addresses(const Value& spec, Findings& findings) {
  const Value families = spec["ipFamilies"];
  const Value policy = spec["ipFamilyPolicy"];
  if (spec["type"].is("ExternalName")) {
    for (const char* field : {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"})
      if (const Value value = spec[field]; !value.text().empty() || value.size() > 0)
        findings.forbidden(value, "may not be set for ExternalName services");
    return;
  }
  const auto wanted = families.items();
  Seen seen;
  for (const Value& family : wanted) {
    check_choice(family, family_words, findings);
    if (!seen.add(family.text())) findings.duplicate(family);
  }
  check_choice(policy, family_policies, findings);
  const auto addresses = checked_addresses(spec, findings);
  if (addresses.size() == 2 && is_v6(addresses[0].text()) == is_v6(addresses[1].text()))
    findings.invalid(spec["clusterIPs"], "may specify no more than one IP for each IP family");
  for (std::size_t i = 0; i < std::min(addresses.size(), wanted.size()); ++i)
    if (wanted[i].is("IPv6") != is_v6(addresses[i].text()))
      findings.invalid(addresses[i],
                       concat({"expected an ", wanted[i].text(), " value as indicated by `",
                               "ipFamilies[", std::to_string(i), "]`"}));
  const bool anything = spec["clusterIP"].is("None") && spec["selector"].size() == 0;
  if (policy.present() ? !policy.is("SingleStack") : anything) return;
  const auto refuse_two = [&](std::size_t count, const char* what) {
    if (count == 2)
      findings.invalid(policy, "\"SingleStack\"",
                       concat({"must be 'RequireDualStack' or 'PreferDualStack' when multiple ",
                               what, " are specified"}));
  };
  refuse_two(addresses.size(), "cluster IPs");
  refuse_two(wanted.size(), "IP families");
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
void check_traffic(const Value& spec, Findings& findings) {
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
  check_addresses(spec, findings);
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
  check_traffic(spec, findings);
}

}  // namespace pausa::pod
