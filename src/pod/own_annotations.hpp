// The annotations that are options of pausa. Each changes the pod, so a misspelt one is a fault.
// Pure.
#pragma once

#include "pod/diagnostic.hpp"
#include "pod/node.hpp"
#include "pod/spec.hpp"
#include "pod/validate.hpp"
#include "pod/value.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace pausa::pod {

// Every "pausa/…" of metadata.annotations.
void decode_own_annotations(const Node& annotations, TimeOffsets& offsets, Diagnostics& findings);

// pausa/proxy-protocol: ports of the pod whose servers want to hear the client's address first.
struct ProxiedPort {
  std::uint16_t port = 0;
  int version = 1;
  bool operator==(const ProxiedPort&) const = default;
};
// "8080,8443/v2". nullopt: it is no such list.
std::optional<std::vector<ProxiedPort>> parse_proxied_ports(std::string_view text);
// Ports that no container declares, or that are not of TCP; notes where it has no effect.
void check_proxied_ports(const Value& pod, const ValidateOptions& options, Findings& findings);
std::vector<ProxiedPort> proxied_ports(const Metadata& metadata);

}  // namespace pausa::pod
