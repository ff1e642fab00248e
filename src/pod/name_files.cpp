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

}  // namespace

std::string hosts_file(const Pod& pod, const NameFacts& facts) {
  std::string text;
  if (pod.spec.host_network) {
    text = facts.host_hosts;
    if (!text.empty() && text.back() != '\n') text += '\n';
    add_aliases(pod.spec, text);
    return text;
  }
  text = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";
  for (const auto& address : facts.addresses) text += address + "\t" + facts.hostname + "\n";
  if (facts.addresses.empty()) text += "127.0.0.1\t" + facts.hostname + "\n";
  add_aliases(pod.spec, text);
  std::string members;
  for (const auto* list : {&pod.spec.init_containers, &pod.spec.containers})
    for (const auto& container : *list)
      if (!is_known(pod.spec, facts.hostname, container.name))
        members += (members.empty() ? "" : " ") + container.name;
  if (!members.empty()) text += "127.0.0.1\t" + members + "\n";
  return text;
}

}  // namespace pausa::pod
