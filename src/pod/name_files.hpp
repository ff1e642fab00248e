// A pod's names, by Kubernetes' rules, and the text of its /etc/hosts. Pure.
#pragma once

#include "pod/spec.hpp"

#include <string>
#include <vector>

namespace pausa::pod {

// Under which pods and Services are known by their full names.
inline constexpr const char* cluster_domain = "cluster.local";
// The kernel takes no longer hostname (sethostname(2)).
inline constexpr std::size_t most_hostname_bytes = 64;

// hostnameOverride, else the spec's hostname, else the pod's name; cut to 63 letters.
std::string short_hostname(const Pod& pod);
// "web.shop.default.svc.cluster.local": of a pod with a subdomain; else empty.
std::string full_hostname(const Pod& pod);
// The one that the kernel is told; of a pod with a network of its own.
std::string kernel_hostname(const Pod& pod);

struct NameFacts {
  std::vector<std::string> addresses;  // the pod's; none: it has a loopback only
  std::string host_hosts;              // the host's /etc/hosts, asked for with hostNetwork
};

// localhost, the pod by its addresses (with a subdomain under its full name, too), hostAliases, and
// each container under its name: that is localhost, since they share one network. Names that the
// lines above have stay what they are. With hostNetwork the host's own file and hostAliases.
std::string hosts_file(const Pod& pod, const NameFacts& facts);

}  // namespace pausa::pod
