#include "pod/suggest.hpp"

#include <algorithm>
#include <vector>

namespace pausa::pod {
namespace {

constexpr int edit = 2;
// Words this long are no slip of the pen; bounds the work on hostile input.
constexpr std::size_t longest_word = 128;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

int replace_cost(char a, char b) {
  if (a == b) return 0;
  return lower(a) == lower(b) ? 1 : edit;
}

}  // namespace

bool differs_in_case_only(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

// Optimal string alignment: three rows of the table are enough, since a swap looks two rows back.
int edit_distance(std::string_view a, std::string_view b) {
  std::vector<int> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = static_cast<int>(j) * edit;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = static_cast<int>(i) * edit;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min(
          {above[j] + edit, row[j - 1] + edit, above[j - 1] + replace_cost(a[i - 1], b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + edit);
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

std::optional<std::string_view> closest(std::string_view word,
                                        std::span<const std::string_view> candidates) {
  if (word.empty() || word.size() > longest_word) return std::nullopt;
  std::optional<std::string_view> best;
  int best_cost = 0;
  for (const std::string_view candidate : candidates) {
    if (candidate.empty()) continue;
    const int cost = edit_distance(word, candidate);
    const auto letters = static_cast<int>(std::max(word.size(), candidate.size()));
    if (!differs_in_case_only(word, candidate) && cost > std::max(edit, letters * edit / 3))
      continue;
    if (!best || cost < best_cost) {
      best = candidate;
      best_cost = cost;
    }
  }
  return best;
}

}  // namespace pausa::pod
