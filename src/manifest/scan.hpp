// A first, shallow look at the text of a source: where its documents begin and end, and the faults
// that yaml-cpp 0.7 passes over or reports at the wrong place (an unterminated quote swallows the
// rest of the file; a stray "," makes it loop; an unclosed bracket is found at the end only).
// Knows quotes, comments, block scalars and brackets, not the grammar. Internal; pure.
#pragma once

#include "manifest/text.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace pausa::manifest {

// One document. Its text is the source's, except for what yaml-cpp cannot read and Kubernetes'
// tooling can (\' in double quotes, JSON's surrogate pairs), which stands there rewritten.
struct Piece {
  struct Cut {
    std::size_t at;       // offset in text from which on …
    std::size_t dropped;  // … so many bytes of the source are missing in all
  };
  std::string text;
  std::size_t begin = 0;  // offset of text in the source
  std::vector<Cut> cuts;

  // The offset in the source of an offset in text.
  std::size_t origin(std::size_t offset) const;
};

struct ScanResult {
  std::vector<Piece> pieces;  // only those with content and without problems
  std::vector<Problem> problems;
};

// text: normalised and free of bad bytes. max_depth bounds the brackets, max_pieces the documents.
ScanResult scan(std::string_view text, const LineIndex& lines, std::size_t max_depth,
                std::size_t max_pieces);

}  // namespace pausa::manifest
