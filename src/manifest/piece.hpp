// One YAML document cut out of a source, and how it was rewritten on the way. Internal; pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace pausa::manifest {

// Its text is the source's, except for what yaml-cpp cannot read and Kubernetes' tooling can (\' in
// double quotes, JSON's surrogate pairs) and for what it reads wrongly (blank lines at the end of
// ">+"): that stands there rewritten.
struct Piece {
  struct Cut {
    std::size_t at;        // offset in text from which on …
    std::ptrdiff_t shift;  // … the source is so many bytes ahead
  };
  std::string text;
  std::size_t begin = 0;  // offset of text in the source
  std::vector<Cut> cuts;

  // The offset in the source of an offset in text.
  std::size_t origin(std::size_t offset) const;
};

// Copies a piece out of a source from front to back.
class PieceWriter {
 public:
  PieceWriter() = default;
  PieceWriter(std::string_view source, std::size_t begin);

  std::size_t begin() const { return piece_.begin; }
  // Puts other text in the place of [from, to) of the source; not before an earlier replacement.
  void replace(std::size_t from, std::size_t to, std::string_view with);
  Piece finish(std::size_t end);

 private:
  std::string_view source_;
  Piece piece_;
  std::size_t copied_ = 0;    // the source up to here is in piece_
  std::ptrdiff_t shift_ = 0;  // how far the source is ahead of piece_
};

}  // namespace pausa::manifest
