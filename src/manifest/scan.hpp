// A first, shallow look at the text of a source: where its documents begin and end, and the faults
// that yaml-cpp 0.7 passes over or reports at the wrong place (an unterminated quote swallows the
// rest of the file; a stray "," makes it loop; an unclosed bracket is found at the end only).
// Knows quotes, comments, block scalars and brackets, not the grammar. Internal; pure.
#pragma once

#include "manifest/piece.hpp"
#include "manifest/text.hpp"

#include <cstddef>
#include <string_view>
#include <vector>

namespace pausa::manifest {

struct ScanResult {
  std::vector<Piece> pieces;  // only those with content and without problems
  std::vector<Problem> problems;
};

// text: normalised and free of bad bytes. max_depth bounds the brackets, max_pieces the documents.
ScanResult scan(std::string_view text, const LineIndex& lines, std::size_t max_depth,
                std::size_t max_pieces);

}  // namespace pausa::manifest
