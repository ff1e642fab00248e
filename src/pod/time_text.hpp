// Wall-clock times and ages as people and Kubernetes write them. Pure.
#pragma once

#include <chrono>
#include <string>

namespace pausa::pod {

// "2026-03-01T12:00:00Z" from nanoseconds since 1970.
std::string rfc3339(std::chrono::nanoseconds since_epoch);
// With nine digits of fraction.
std::string rfc3339_nano(std::chrono::nanoseconds since_epoch);

// An age as kubectl writes it: "45s", "3m20s", "26h", "12d", "2y30d".
std::string age_text(std::chrono::nanoseconds age);

}  // namespace pausa::pod
