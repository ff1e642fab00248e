// Whether a port inside a pod takes connections, looked at from inside its network.
#pragma once

#include "sys/process.hpp"

#include <cstdint>

namespace pausa::cli {

// At the pod's loopback, IPv4 or IPv6. infra: of the pod. Takes a fifth of a second at most. False,
// too, when the pod is just ending. Throws sys::Error when we may not look.
bool port_accepts(const sys::ProcessId& infra, std::uint16_t port);

}  // namespace pausa::cli
