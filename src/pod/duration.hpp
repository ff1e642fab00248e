// Durations as Go and Kubernetes write them: "90s", "1h30m", "-3600s", "1.5h", "0". Pure values.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace pausa::pod {

// Empty when text is none, or does not fit in 63 bits of nanoseconds (292 years). Units: ns us µs
// ms s m h; digits finer than a nanosecond are cut off.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

// The other way: "10s", "2m40s", "1h0m5s", "20ms"; what is finer than a millisecond is cut off.
std::string duration_text(std::chrono::nanoseconds duration);

}  // namespace pausa::pod
