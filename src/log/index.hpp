// Reading the index of one segment (layout.hpp: Record), also while the writer extends it.
// Part of the reader; not for child zones.
#pragma once

#include "log/layout.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace pausa::log {

class IndexCursor {
 public:
  // Bytes [begin, end) came at `time`; or, with begin == end, `lost` bytes are missing at begin.
  struct Entry {
    std::uint64_t begin = 0, end = 0;
    std::uint64_t time = 0;
    std::uint64_t lost = 0;
    std::uint64_t place = 0;  // of the entry in the index
    bool last = false;        // nothing follows yet, so the writer may still change it
  };

  // Borrows fd, which may be -1: then there are no entries.
  void start(int fd) noexcept;
  // The entries that matter from the byte `from` on, as far as the one that covers `until`. `from`
  // must not go back. The newest one seen is given again by the next call: it may have grown.
  void read(std::uint64_t from, std::uint64_t until, std::vector<Entry>& entries);

 private:
  int fd_ = -1;
  std::uint64_t at_ = 0;     // of the next entry in the file
  std::uint64_t begin_ = 0;  // where that entry's bytes begin
};

// The first byte that came at `since` or later, as far as the index knows; nothing when the whole
// index is older. Binary search.
std::optional<std::uint64_t> first_byte_since(int index, std::uint64_t since) noexcept;

}  // namespace pausa::log
