// Did you mean …? Pure.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace pausa::pod {

// Half edits between two words: inserting, deleting or replacing a letter or swapping neighbours
// costs 2, another case of the same letter 1, so that "Image" is nearer to "image" than to
// "Images".
int edit_distance(std::string_view a, std::string_view b);

bool differs_in_case_only(std::string_view a, std::string_view b);

// The candidate that word was most likely meant to be; empty when none is near.
std::optional<std::string_view> closest(std::string_view word,
                                        std::span<const std::string_view> candidates);

}  // namespace pausa::pod
