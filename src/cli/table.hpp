// Columns for people: as wide as their widest cell, three blanks apart, the last one open. Pure.
#pragma once

#include <string>
#include <vector>

namespace pausa::cli {

class Table {
 public:
  using Row = std::vector<std::string>;

  explicit Table(Row header) : rows_{std::move(header)} {}
  void add(Row row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.size() == 1; }

  // Each line with its break. Widths count code points; control characters become "?".
  std::string text(bool header = true) const;

 private:
  std::vector<Row> rows_;  // the first is the header
};

}  // namespace pausa::cli
