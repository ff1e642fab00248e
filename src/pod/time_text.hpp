// Wall-clock times as people and Kubernetes write them. Pure.
#pragma once

#include <chrono>
#include <string>

namespace pausa::pod {

// "2026-03-01T12:00:00Z" from nanoseconds since 1970.
std::string rfc3339(std::chrono::nanoseconds since_epoch);
// With nine digits of fraction.
std::string rfc3339_nano(std::chrono::nanoseconds since_epoch);

}  // namespace pausa::pod
