// A set of indexes as Kubernetes writes it: "0,2-4". Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pausa::pod {

// Sorted, without doubles. nullopt when the text is none, or an index is not below `count`; an
// empty text is the empty set.
std::optional<std::vector<std::int64_t>> parse_indexes(std::string_view text, std::int64_t count);
// The other way, of a sorted set.
std::string indexes_text(const std::vector<std::int64_t>& indexes);

}  // namespace pausa::pod
