// A pod as Services and NetworkPolicies see it, which select pods by their labels. Pure.
#pragma once

#include "pod/key_values.hpp"
#include "pod/spec.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace pausa::pod {

struct SelectedPod {
  std::string namespace_;
  std::string name;
  KeyValues labels;
  std::vector<ContainerPort> ports;

  // The number of the port that its containers call so; 0: there is none.
  std::uint16_t port_called(const std::string& port, Protocol protocol) const {
    for (const auto& own : ports)
      if (!port.empty() && own.name == port && own.protocol == protocol) return own.container_port;
    return 0;
  }
};

}  // namespace pausa::pod
