#include "pod/quantity.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace pausa::pod {
namespace {

constexpr std::int32_t nano = 1'000'000'000;
constexpr std::int64_t max_units = std::numeric_limits<std::int64_t>::max();
// Beyond these powers of ten the outcome is fixed: capped, or rounded to one nano.
constexpr long exponent_bound = 100'000;

struct Suffix {
  std::string_view text;
  int exponent;  // of 10, or of 1024 for binary_si
  Quantity::Format format;
};

constexpr std::array suffixes{
    Suffix{"", 0, Quantity::Format::decimal_si},   Suffix{"n", -9, Quantity::Format::decimal_si},
    Suffix{"u", -6, Quantity::Format::decimal_si}, Suffix{"m", -3, Quantity::Format::decimal_si},
    Suffix{"k", 3, Quantity::Format::decimal_si},  Suffix{"M", 6, Quantity::Format::decimal_si},
    Suffix{"G", 9, Quantity::Format::decimal_si},  Suffix{"T", 12, Quantity::Format::decimal_si},
    Suffix{"P", 15, Quantity::Format::decimal_si}, Suffix{"E", 18, Quantity::Format::decimal_si},
    Suffix{"Ki", 1, Quantity::Format::binary_si},  Suffix{"Mi", 2, Quantity::Format::binary_si},
    Suffix{"Gi", 3, Quantity::Format::binary_si},  Suffix{"Ti", 4, Quantity::Format::binary_si},
    Suffix{"Pi", 5, Quantity::Format::binary_si},  Suffix{"Ei", 6, Quantity::Format::binary_si},
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string_view take_digits(std::string_view& rest) {
  const auto end = std::find_if_not(rest.begin(), rest.end(), is_digit);
  const auto count = static_cast<std::size_t>(end - rest.begin());
  const std::string_view digits = rest.substr(0, count);
  rest.remove_prefix(count);
  return digits;
}

// "e3", "E-6", "e+5": the exponent, clamped to what can make a difference.
std::optional<long> parse_exponent(std::string_view text) {
  if (text.size() < 2 || (text[0] != 'e' && text[0] != 'E')) return std::nullopt;
  text.remove_prefix(1);
  const bool negative = text[0] == '-';
  if (negative || text[0] == '+') text.remove_prefix(1);
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
  long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || value > exponent_bound) value = exponent_bound;
  return negative ? -value : value;
}

void multiply(std::string& digits, int factor) {
  int carry = 0;
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) {
    carry += (*digit - '0') * factor;
    *digit = static_cast<char>('0' + carry % 10);
    carry /= 10;
  }
  if (carry > 0) digits.insert(0, std::to_string(carry));
}

// digits × 10^exponent as units and nanos, rounded up to a whole nano and capped.
Quantity magnitude(std::string_view digits, long exponent, Quantity::Format format) {
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  if (digits.empty()) return Quantity(0, format);
  const Quantity capped(max_units, format);
  const long shift = exponent + 9;  // to nanos
  const long length = static_cast<long>(digits.size()) + shift;
  if (length > 19 + 9) return capped;
  std::string nanos(digits.substr(0, length > 0 ? static_cast<std::size_t>(length) : 0));
  const std::string_view lost = digits.substr(nanos.size());
  if (shift > 0) nanos.append(static_cast<std::size_t>(shift), '0');
  if (nanos.size() < 10) nanos.insert(0, 10 - nanos.size(), '0');

  std::uint64_t units = 0;
  std::int32_t part = 0;
  const char* split = nanos.data() + nanos.size() - 9;
  const auto parsed = std::from_chars(nanos.data(), split, units);
  if (parsed.ec != std::errc{} || units >= static_cast<std::uint64_t>(max_units)) return capped;
  (void)std::from_chars(split, split + 9, part);  // nine digits always fit
  if (lost.find_first_not_of('0') != std::string_view::npos && ++part == nano) {
    part = 0;
    ++units;
  }
  return Quantity(static_cast<std::int64_t>(units), part, format);
}

std::optional<std::int64_t> scaled(std::int64_t units, std::int32_t nanos, std::int64_t factor) {
  const std::int32_t step = nano / static_cast<std::int32_t>(factor);
  std::int64_t small = nanos / step;
  if (nanos % step != 0) small += nanos > 0 ? 1 : -1;
  std::int64_t result = 0;
  if (__builtin_mul_overflow(units, factor, &result) ||
      __builtin_add_overflow(result, small, &result))
    return std::nullopt;
  return result;
}

std::string_view suffix_for(Quantity::Format format, int exponent) {
  const auto* const found = std::find_if(suffixes.begin(), suffixes.end(), [&](const Suffix& s) {
    return s.format == format && s.exponent == exponent;
  });
  return found == suffixes.end() ? std::string_view{} : found->text;
}

}  // namespace

std::optional<Quantity> parse_quantity(std::string_view text) {
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  std::string digits(take_digits(rest));
  long exponent = 0;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    const std::string_view fraction = take_digits(rest);
    digits += fraction;
    exponent = -static_cast<long>(fraction.size());
  }
  if (digits.empty()) return std::nullopt;

  Quantity::Format format = Quantity::Format::decimal_exponent;
  const auto* const suffix = std::find_if(suffixes.begin(), suffixes.end(),
                                          [&](const Suffix& s) { return s.text == rest; });
  if (suffix == suffixes.end()) {
    const std::optional<long> power = parse_exponent(rest);
    if (!power) return std::nullopt;
    exponent += *power;
  } else {
    format = suffix->format;
    if (format == Quantity::Format::binary_si) {
      for (int i = 0; i < suffix->exponent; ++i) multiply(digits, 1024);
    } else {
      exponent += suffix->exponent;
    }
  }
  const Quantity size = magnitude(digits, exponent, format);
  return negative ? size.negated() : size;
}

Quantity Quantity::negated() const {
  return Quantity(-units_, -nanos_, format_);
}

Quantity Quantity::plus(const Quantity& other) const {
  constexpr std::int32_t unit = 1'000'000'000;
  std::int64_t units = 0;
  std::int32_t nanos = nanos_ + other.nanos_;
  const Format format = sign() == 0 ? other.format_ : format_;
  bool fits = !__builtin_add_overflow(units_, other.units_, &units) &&
              !__builtin_add_overflow(units, nanos / unit, &units);
  nanos %= unit;
  // Both parts have the same sign.
  if (fits && units > 0 && nanos < 0) {
    --units;
    nanos += unit;
  } else if (fits && units < 0 && nanos > 0) {
    ++units;
    nanos -= unit;
  }
  return fits ? Quantity(units, nanos, format)
              : Quantity(std::numeric_limits<std::int64_t>::max(), format);
}

std::optional<std::int64_t> Quantity::value() const {
  return scaled(units_, nanos_, 1);
}

std::optional<std::int64_t> Quantity::milli_value() const {
  return scaled(units_, nanos_, 1000);
}

std::string Quantity::canonical() const {
  if (sign() == 0) return "0";
  const std::string minus = sign() < 0 ? "-" : "";
  std::uint64_t units = static_cast<std::uint64_t>(sign() < 0 ? -units_ : units_);
  if (format_ == Format::binary_si && nanos_ == 0 && units >= 1024) {
    int exponent = 0;
    for (; units % 1024 == 0; units /= 1024) ++exponent;
    return minus + std::to_string(units) + std::string(suffix_for(Format::binary_si, exponent));
  }
  std::string digits = std::to_string(sign() < 0 ? -nanos_ : nanos_);
  digits.insert(0, 9 - digits.size(), '0');
  digits.insert(0, std::to_string(units));
  int exponent = -9;
  for (; digits.ends_with('0'); ++exponent) digits.pop_back();
  for (; exponent % 3 != 0; --exponent) digits += '0';
  digits.erase(0, digits.find_first_not_of('0'));
  if (format_ != Format::decimal_exponent)
    return minus + digits + std::string(suffix_for(Format::decimal_si, exponent));
  return minus + digits + (exponent == 0 ? "" : "e" + std::to_string(exponent));
}

std::string_view quantity_format_text() {
  return "quantities must match the regular expression "
         "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
}

}  // namespace pausa::pod
