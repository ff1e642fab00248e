#include "cli/size_text.hpp"

#include "pod/quantity.hpp"

#include <string_view>

namespace pausa::cli {

std::string short_size(std::uint64_t bytes) {
  constexpr std::string_view units = "KMGT";
  if (bytes < 1000) return std::to_string(bytes);
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (value /= 1000; value >= 1000 && unit + 1 < units.size(); value /= 1000) ++unit;
  auto text = std::to_string(value);
  text.resize(text.find('.') + 2);
  return text + units[unit] + "B";
}

std::string quantity_size(std::int64_t bytes) {
  return pod::Quantity(bytes, pod::Quantity::Format::binary_si).canonical();
}

}  // namespace pausa::cli
