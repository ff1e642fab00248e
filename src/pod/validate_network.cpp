// Names and name resolution.
#include "pod/rules.hpp"

namespace pausa::pod {
namespace {

constexpr std::string_view dns_policies[] = {"ClusterFirstWithHostNet", "ClusterFirst", "Default",
                                             "None"};
constexpr std::size_t most_nameservers = 3;
constexpr std::size_t most_searches = 32;
constexpr std::size_t most_search_bytes = 2048;

void check_searches(const Value& searches, Findings& findings) {
  if (searches.size() > most_searches)
    findings.invalid(searches, "must not have more than 32 search paths");
  std::size_t bytes = searches.size() > 0 ? searches.size() - 1 : 0;  // the blanks between
  for (const Value& search : searches.items()) bytes += search.text().size();
  if (bytes > most_search_bytes)
    findings.invalid(searches,
                     "must not have more than 2048 characters (including spaces) in the search "
                     "list");
  for (const Value& search : searches.items()) {
    std::string_view domain = search.text();
    if (domain == ".") continue;
    if (domain.ends_with('.')) domain.remove_suffix(1);
    for (const std::string& fault : search_domain_faults(domain))
      findings.invalid(search, quoted(domain), fault);
  }
}

void check_dns(const Value& spec, Findings& findings) {
  const Value policy = spec["dnsPolicy"];
  const Value config = spec["dnsConfig"];
  check_choice(policy, dns_policies, findings);
  const Value servers = config["nameservers"];
  if (policy.is("None") && !config.present()) {
    findings.required(config, "must provide `dnsConfig` when `dnsPolicy` is None");
    return;
  }
  if (policy.is("None") && servers.size() == 0)
    findings.required(servers, "must provide at least one DNS nameserver when `dnsPolicy` is None");
  if (servers.size() > most_nameservers)
    findings.invalid(servers, "must not have more than 3 nameservers");
  for (const Value& server : servers.items())
    add_faults(server, ip_faults(server.text()), findings);
  check_searches(config["searches"], findings);
  for (const Value& option : config["options"].items())
    if (option["name"].text().empty()) findings.required(option, "must not be empty");
}

}  // namespace

void check_network(const Value& spec, Findings& findings) {
  check_dns(spec, findings);
  for (const Value& alias : spec["hostAliases"].items()) {
    add_faults(alias["ip"], ip_faults(alias["ip"].text()), findings);
    for (const Value& name : alias["hostnames"].items())
      add_faults(name, dns_subdomain_faults(name.text()), findings);
  }
  for (const std::string_view field : {"hostname", "subdomain"})
    if (!spec[field].text().empty())
      add_faults(spec[field], dns_label_faults(spec[field].text()), findings);
  if (const Value name = spec["hostnameOverride"]; name.present()) {
    if (name.text().size() > 64)
      findings.too_long(name, 64);
    else
      add_faults(name, dns_subdomain_faults(name.text()), findings);
    if (spec["setHostnameAsFQDN"].truth().value_or(false))
      findings.forbidden(name, "cannot be specified when `setHostnameAsFQDN` is true");
    if (spec["hostNetwork"].truth().value_or(false))
      findings.forbidden(name, "cannot be specified when `hostNetwork` is true");
  }
}

}  // namespace pausa::pod
