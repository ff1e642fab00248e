#include "manifest/piece.hpp"

#include <algorithm>
#include <utility>

namespace pausa::manifest {

std::size_t Piece::origin(std::size_t offset) const {
  const auto after = std::upper_bound(cuts.begin(), cuts.end(), offset,
                                      [](std::size_t at, const Cut& cut) { return at < cut.at; });
  const std::ptrdiff_t shift = after == cuts.begin() ? 0 : (after - 1)->shift;
  return begin + static_cast<std::size_t>(static_cast<std::ptrdiff_t>(offset) + shift);
}

PieceWriter::PieceWriter(std::string_view source, std::size_t begin)
    : source_(source), copied_(begin) {
  piece_.begin = begin;
}

void PieceWriter::replace(std::size_t from, std::size_t to, std::string_view with) {
  piece_.text.append(source_.substr(copied_, from - copied_)).append(with);
  copied_ = to;
  shift_ += static_cast<std::ptrdiff_t>(to - from) - static_cast<std::ptrdiff_t>(with.size());
  piece_.cuts.push_back({piece_.text.size(), shift_});
}

Piece PieceWriter::finish(std::size_t end) {
  piece_.text.append(source_.substr(copied_, end - copied_));
  return std::move(piece_);
}

}  // namespace pausa::manifest
