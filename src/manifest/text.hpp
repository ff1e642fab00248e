// The text of a source before YAML sees it: one way of line breaks, every byte checked, and a map
// from byte offsets to line and column. Internal to the manifest room; pure.
#pragma once

#include "pod/diagnostic.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pausa::manifest {

// A finding about the text, at a byte offset of the normalised text.
struct Problem {
  std::size_t offset = 0;
  std::string text;
  std::string hint;
};

// Without a byte order mark, and with "\n" for "\r\n" and for a lone "\r". Lines and columns stay
// those of the original.
std::string normalise_lines(std::string_view text);

// The first byte that no manifest may hold: not UTF-8, or a control character.
std::optional<Problem> find_bad_byte(std::string_view text);

class LineIndex {
 public:
  // text must outlive the index.
  explicit LineIndex(std::string_view text);
  // Columns count code points, from 1. An offset past the end gives the end.
  pod::Mark mark(std::size_t offset) const;
  std::size_t lines() const { return starts_.size(); }
  // line counts from 1; without its line break; empty when there is no such line.
  std::string_view line(std::size_t line) const;

 private:
  // A manifest may be one line of a megabyte: counting from its start each time is quadratic.
  static constexpr std::size_t stride = 256;
  std::size_t characters_before(std::size_t offset) const;

  std::string_view text_;
  std::vector<std::size_t> starts_;      // of each line
  std::vector<std::size_t> characters_;  // before every stride-th byte
};

// "3:14", for messages that name a second place.
std::string place(pod::Mark mark);

pod::Diagnostic syntax_error(pod::Mark mark, std::string text, std::string hint = {});

}  // namespace pausa::manifest
