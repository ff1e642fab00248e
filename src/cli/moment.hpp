// A point in time as users write it for --since. Pure but for the clock that is passed in.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace pausa::cli {

using Moment = std::chrono::sys_time<std::chrono::nanoseconds>;

// "5m" (that long before now), RFC 3339 ("2026-08-01T12:00:00.5+02:00", also only the date, then at
// midnight UTC), or seconds since 1970. nullopt: none of these.
std::optional<Moment> parse_moment(std::string_view text, Moment now);

}  // namespace pausa::cli
