#include "pod/index_set.hpp"

#include <charconv>

namespace pausa::pod {
namespace {

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

}  // namespace

std::optional<std::vector<std::int64_t>> parse_indexes(std::string_view text, std::int64_t count) {
  std::vector<std::int64_t> out;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto part = text.substr(0, comma);
    const auto dash = part.find('-');
    const auto first = number(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : number(part.substr(dash + 1));
    // They are written in their order, each once.
    if (!first || !last || *first > *last || *last >= count ||
        (!out.empty() && *first <= out.back()))
      return std::nullopt;
    for (std::int64_t index = *first; index <= *last; ++index) out.push_back(index);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
    if (text.empty()) return std::nullopt;
  }
  return out;
}

std::string indexes_text(const std::vector<std::int64_t>& indexes) {
  std::string out;
  for (std::size_t i = 0; i < indexes.size();) {
    std::size_t last = i;
    while (last + 1 < indexes.size() && indexes[last + 1] == indexes[last] + 1) ++last;
    if (!out.empty()) out += ',';
    out += std::to_string(indexes[i]);
    // Kubernetes writes two in a row as a range as well.
    if (last > i) out += '-' + std::to_string(indexes[last]);
    i = last + 1;
  }
  return out;
}

}  // namespace pausa::pod
