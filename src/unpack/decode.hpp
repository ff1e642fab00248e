// The bytes of a layer's blob, decompressed on the way: plain, gzip (several members, too) or zstd,
// by what the bytes themselves are. Both digests are computed while they pass.
#pragma once

#include "unpack/digest.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pausa::unpack {

enum class Compression : std::uint8_t { none, gzip, zstd };

class LayerStream {
 public:
  // fd: borrowed, read from its offset to its end. An empty digest is not looked at. Throws
  // sys::Error for bytes in another format.
  LayerStream(int fd, std::string digest, std::string diff_id, std::uint64_t most_bytes);
  ~LayerStream();
  LayerStream(const LayerStream&) = delete;
  LayerStream& operator=(const LayerStream&) = delete;

  // The next decompressed bytes, valid until the next call; empty at the end.
  std::string_view next();
  // Bytes of the blob that have been read.
  std::uint64_t taken() const { return taken_; }
  // Reads what is left and compares both digests.
  void finish();

 private:
  class Decoder;
  class Plain;
  class Gzip;
  class Zstd;

  int fd_;
  std::optional<Digester> blob_;
  std::optional<Digester> diff_;
  std::uint64_t most_bytes_;
  std::uint64_t bytes_ = 0;
  std::uint64_t taken_ = 0;
  std::vector<unsigned char> input_;
  std::size_t begin_ = 0;  // of what is unread in input_
  std::size_t end_ = 0;
  std::vector<unsigned char> output_;
  std::unique_ptr<Decoder> decoder_;

  bool fill();  // false at the end of the file
};

}  // namespace pausa::unpack
