// Bytes for people. Pure.
#pragma once

#include <cstdint>
#include <string>

namespace pausa::cli {

// "999", "1.5MB": powers of a thousand, one digit behind the point.
std::string short_size(std::uint64_t bytes);
// "1Mi", "1500": as a manifest says it.
std::string quantity_size(std::int64_t bytes);

}  // namespace pausa::cli
