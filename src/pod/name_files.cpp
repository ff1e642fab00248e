#include "pod/name_files.hpp"

#include <algorithm>

namespace pausa::pod {
namespace {

void add_aliases(const Spec& spec, std::string& text) {
  for (const auto& alias : spec.host_aliases) {
    text += alias.ip + "\t";
    for (std::size_t i = 0; i < alias.hostnames.size(); ++i)
      text += (i == 0 ? "" : "\t") + alias.hostnames[i];
    text += '\n';
  }
}

bool is_known(const Spec& spec, const std::string& hostname, const std::string& name) {
  if (name == hostname || name == "localhost") return true;
  return std::any_of(spec.host_aliases.begin(), spec.host_aliases.end(), [&](const auto& alias) {
    return std::find(alias.hostnames.begin(), alias.hostnames.end(), name) != alias.hostnames.end();
  });
}

constexpr std::size_t most_short_bytes = 63;

}  // namespace

std::string short_hostname(const Pod& pod) {
  const auto& spec = pod.spec;
  if (!spec.hostname_override.empty()) return spec.hostname_override;
  std::string name = spec.hostname.empty() ? pod.metadata.name : spec.hostname;
  if (name.size() > most_short_bytes) name.resize(most_short_bytes);
  while (!name.empty() && (name.back() == '-' || name.back() == '.')) name.pop_back();
  return name;
}

std::string full_hostname(const Pod& pod) {
  if (pod.spec.subdomain.empty() || !pod.spec.hostname_override.empty()) return {};
  return short_hostname(pod) + "." + pod.spec.subdomain + "." + pod.metadata.namespace_ + ".svc." +
         cluster_domain;
}

std::string kernel_hostname(const Pod& pod) {
  const auto full = pod.spec.hostname_as_fqdn ? full_hostname(pod) : std::string();
  return full.empty() ? short_hostname(pod) : full;
}

std::string hosts_file(const Pod& pod, const NameFacts& facts) {
  std::string text;
  if (pod.spec.host_network) {
    text = facts.host_hosts;
    if (!text.empty() && text.back() != '\n') text += '\n';
    add_aliases(pod.spec, text);
    return text;
  }
  text = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";
  const std::string hostname = short_hostname(pod);
  const std::string full = full_hostname(pod);
  const std::string names = "\t" + (full.empty() ? "" : full + "\t") + hostname + "\n";
  for (const auto& address : facts.addresses) text += address + names;
  if (facts.addresses.empty()) text += "127.0.0.1" + names;
  add_aliases(pod.spec, text);
  std::string members;
  for (const auto* list : {&pod.spec.init_containers, &pod.spec.containers})
    for (const auto& container : *list)
      if (!is_known(pod.spec, hostname, container.name))
        members += (members.empty() ? "" : " ") + container.name;
  if (!members.empty()) text += "127.0.0.1\t" + members + "\n";
  return text;
}

}  // namespace pausa::pod
