// The texts of /etc/hosts and /etc/resolv.conf inside a pod.
#pragma once

#include "pod/spec.hpp"

#include <string>
#include <vector>

namespace pausa::pod {

struct NameFacts {
  std::string hostname;
  std::vector<std::string> addresses;  // the pod's; none: it has a loopback only
  std::string host_hosts;              // the host's /etc/hosts, asked for with hostNetwork
};

// localhost, the pod by its addresses, hostAliases, and each container under its name: that is
// localhost, since they share one network. Names that the lines above have stay what they are.
// With hostNetwork the host's own file and hostAliases.
std::string hosts_file(const Pod& pod, const NameFacts& facts);

}  // namespace pausa::pod
