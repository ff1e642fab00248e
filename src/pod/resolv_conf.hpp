// The text of /etc/resolv.conf inside a pod, formed as the kubelet does it: out of dnsPolicy, the
// host's own file, the resolver for pods, and dnsConfig. Pure.
#pragma once

#include "pod/spec.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace pausa::pod {

// resolv.conf(5); lines that are not understood are left out. Of several search lines the last
// holds.
ResolvConf parse_resolv_conf(std::string_view text);
std::string to_text(const ResolvConf& conf);

// An address of the pod's own loopback: a server of the host there is out of the pod's reach.
bool is_loopback_address(std::string_view address);

struct ResolvFacts {
  ResolvConf host;
  std::vector<std::string> resolver;  // where pods ask for each other's names; none: nowhere
};

// notes: what the limits of resolvers (3 servers, 32 domains, 2048 characters) have cut off, in the
// kubelet's words.
ResolvConf form_resolv_conf(const Pod& pod, const ResolvFacts& facts,
                            std::vector<std::string>& notes);

}  // namespace pausa::pod
