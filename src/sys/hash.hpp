// A number that follows from a text: the same on every machine and in every version. Not against
// anybody who chooses the text.
#pragma once

#include <cstdint>
#include <string_view>

namespace pausa::sys {

// FNV-1a of 32 bits.
constexpr std::uint32_t stable_hash(std::string_view text) noexcept {
  std::uint32_t hash = 2166136261U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
}

// Of 64 bits: for telling long texts from each other.
constexpr std::uint64_t wide_hash(std::string_view text) noexcept {
  std::uint64_t hash = 14695981039346656037U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return hash;
}

}  // namespace pausa::sys
