#include "manifest/escapes.hpp"

#include "pod/utf8.hpp"

namespace pausa::manifest {
namespace {

// Of "\uXXXX", at the start of a text.
std::optional<char32_t> code_unit(std::string_view text) {
  if (!text.starts_with("\\u")) return std::nullopt;
  const std::string_view digits = text.substr(2, 4);
  char32_t value = 0;
  for (const char c : digits) {
    const std::size_t digit = std::string_view("0123456789abcdefABCDEF").find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    value = value * 16 + static_cast<char32_t>(digit < 16 ? digit : digit - 6);
  }
  return digits.size() == 4 ? std::optional(value) : std::nullopt;
}

}  // namespace

std::optional<char32_t> surrogate_pair(std::string_view text) {
  constexpr std::size_t half = surrogate_pair_size / 2;
  const auto high = code_unit(text);
  const auto low = text.size() > half ? code_unit(text.substr(half)) : std::nullopt;
  if (!high || !low || (*high & 0xFC00) != 0xD800 || (*low & 0xFC00) != 0xDC00) return std::nullopt;
  return 0x10000 + ((*high & 0x3FF) << 10) + (*low & 0x3FF);
}

std::string mend_escapes(std::string value) {
  if (value.find_first_of("\x85\xA0") == std::string::npos) return value;
  std::string mended;
  for (std::size_t at = 0; at < value.size();) {
    const auto point = pod::decode_utf8(value, at);
    if (point.valid)
      mended.append(value, at, point.length);
    else
      pod::append_utf8(mended, static_cast<unsigned char>(value[at]));
    at += point.length;
  }
  return mended;
}

}  // namespace pausa::manifest
