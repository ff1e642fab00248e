// The escapes of double-quoted scalars that yaml-cpp 0.7 gets wrong. Internal to the manifest room;
// pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace pausa::manifest {

// The character beyond the basic plane that a text begins with as JSON writes it, in two halves:
// "\uD83D\uDE00". yaml-cpp takes each for a character of its own.
std::optional<char32_t> surrogate_pair(std::string_view text);
inline constexpr std::size_t surrogate_pair_size = 12;

// A scalar as yaml-cpp gives it, in UTF-8: of the escapes \N and \_ it makes the single bytes 0x85
// and 0xA0, which no valid source can hold.
std::string mend_escapes(std::string value);

}  // namespace pausa::manifest
