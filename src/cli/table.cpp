#include "cli/table.hpp"

#include <algorithm>
#include <cstdint>

namespace pausa::cli {
namespace {

std::size_t width(const std::string& cell) {
  return static_cast<std::size_t>(std::count_if(cell.begin(), cell.end(), [](char c) {
    return (static_cast<unsigned>(c) & 0xc0U) != 0x80U;
  }));
}

// What a manifest says must not steer the terminal.
std::string printable(std::string cell) {
  for (char& c : cell)
    if (static_cast<unsigned char>(c) < 0x20 || c == '\x7f') c = '?';
  return cell;
}

}  // namespace

std::string Table::text(bool header) const {
  std::vector<std::size_t> widths;
  for (std::size_t r = header ? 0 : 1; r < rows_.size(); ++r)
    for (std::size_t i = 0; i < rows_[r].size(); ++i) {
      if (widths.size() <= i) widths.push_back(0);
      widths[i] = std::max(widths[i], width(rows_[r][i]));
    }
  constexpr std::size_t gap = 3;
  std::string out;
  for (std::size_t r = header ? 0 : 1; r < rows_.size(); ++r) {
    const Row& row = rows_[r];
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += printable(row[i]);
      if (i + 1 < row.size()) out.append(widths[i] - width(row[i]) + gap, ' ');
    }
    while (!out.empty() && out.back() == ' ') out.pop_back();
    out += '\n';
  }
  return out;
}

}  // namespace pausa::cli
