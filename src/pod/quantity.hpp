// Kubernetes' resource.Quantity: an exact fixed-point number with a suffix ("500m", "128Mi",
// "1e3"). No floating point. As in Kubernetes, a fraction finer than nano rounds away from zero and
// a value beyond ±(2^63 - 1) is capped. Pure values; never throws except for memory.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pausa::pod {

class Quantity {
 public:
  // The family of suffixes that a quantity was written in, and is printed in.
  enum class Format : std::uint8_t { decimal_si, binary_si, decimal_exponent };

  Quantity() = default;
  explicit Quantity(std::int64_t units, Format format = Format::decimal_si)
      : units_(units), format_(format) {}
  // units and nanos (below 10^9) have the same sign.
  Quantity(std::int64_t units, std::int32_t nanos, Format format)
      : units_(units), nanos_(nanos), format_(format) {}

  Format format() const { return format_; }
  Quantity negated() const;
  // In the format of the left one, or of the right one where the left is zero; the largest that
  // there is where it would be more.
  Quantity plus(const Quantity& other) const;
  int sign() const { return units_ > 0 || nanos_ > 0 ? 1 : (units_ < 0 || nanos_ < 0 ? -1 : 0); }
  bool is_integer() const { return nanos_ == 0; }
  bool is_whole_milli() const { return nanos_ % 1'000'000 == 0; }

  // Rounded away from zero; empty when an int64 cannot hold it.
  std::optional<std::int64_t> value() const;
  std::optional<std::int64_t> milli_value() const;

  // No fraction, the largest suffix that loses nothing: "1500m", "128Mi", "1e3".
  std::string canonical() const;

  // By value: 1 == 1000m == 1e0.
  friend std::strong_ordering operator<=>(const Quantity& a, const Quantity& b) {
    if (const auto order = a.units_ <=> b.units_; order != 0) return order;
    return a.nanos_ <=> b.nanos_;
  }
  friend bool operator==(const Quantity& a, const Quantity& b) { return (a <=> b) == 0; }

 private:
  std::int64_t units_ = 0;
  std::int32_t nanos_ = 0;
  Format format_ = Format::decimal_si;
};

// Empty when text is no quantity. The grammar: [+-]digits[.digits][suffix], with suffix
// n u m k M G T P E, Ki Mi Gi Ti Pi Ei, or e/E and a decimal exponent; no blanks.
std::optional<Quantity> parse_quantity(std::string_view text);

// What the API server says about a text that is no quantity.
std::string_view quantity_format_text();

}  // namespace pausa::pod
