#include "pod/duration.hpp"

#include <array>
#include <cstdint>
#include <limits>
#include <utility>

namespace pausa::pod {

namespace {

// The longer name first where one begins another.
constexpr std::array<std::pair<std::string_view, std::int64_t>, 8> units = {
    {{"ns", 1},
     {"us", 1'000},
     {"\u00B5s", 1'000},
     {"\u03BCs", 1'000},
     {"ms", 1'000'000},
     {"s", 1'000'000'000},
     {"m", 60'000'000'000},
     {"h", 3'600'000'000'000}}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return std::chrono::nanoseconds(0);
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  while (!text.empty()) {
    std::int64_t whole = 0;
    std::size_t digits = 0;
    for (; !text.empty() && is_digit(text.front()); ++digits, text.remove_prefix(1)) {
      if (__builtin_mul_overflow(whole, 10, &whole) ||
          __builtin_add_overflow(whole, text.front() - '0', &whole)) {
        return std::nullopt;
      }
    }
    std::string_view fraction;
    if (text.starts_with('.')) {
      text.remove_prefix(1);
      std::size_t length = 0;
      while (length < text.size() && is_digit(text[length])) ++length;
      fraction = text.substr(0, length);
      text.remove_prefix(length);
      digits += length;
    }
    if (digits == 0) return std::nullopt;
    std::int64_t unit = 0;
    for (const auto& [name, size] : units) {
      if (!text.starts_with(name)) continue;
      unit = size;
      text.remove_prefix(name.size());
      break;
    }
    if (unit == 0 || __builtin_mul_overflow(whole, unit, &whole)) return std::nullopt;
    for (const char c : fraction) {
      unit /= 10;
      if (__builtin_add_overflow(whole, unit * (c - '0'), &whole)) return std::nullopt;
    }
    if (__builtin_add_overflow(total, whole, &total)) return std::nullopt;
  }
  return std::chrono::nanoseconds(negative ? -total : total);
}

std::string duration_text(std::chrono::nanoseconds duration) {
  const auto all = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  if (all < 1000) return std::to_string(all) + "ms";
  const auto seconds = all / 1000;
  std::string text;
  if (seconds >= 3600) text += std::to_string(seconds / 3600) + "h";
  if (seconds >= 60) text += std::to_string(seconds / 60 % 60) + "m";
  text += std::to_string(seconds % 60);
  if (all % 1000 != 0) {
    text += "." + std::to_string(1000 + all % 1000).substr(1);
    text.erase(text.find_last_not_of('0') + 1);
  }
  return text + "s";
}

}  // namespace pausa::pod
