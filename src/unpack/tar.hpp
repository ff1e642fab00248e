// A layer's tar, entry by entry, into a sink (the writer). libarchive reads (tar alone;
// decompression is not its business here), we write.
#pragma once

#include "unpack/decode.hpp"
#include "unpack/writer.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace pausa::unpack {

enum class Contents : std::uint8_t {
  layer,
  files  // the regular files alone, ours to read; all else is left out
};

// Throws sys::Error with the entry that is refused, or says that the archive is cut off or broken.
void unpack_tar(LayerStream& stream, Sink& sink, const Limits& limits, Contents contents);

// The contents of the first regular file of this path; nullopt: there is none, or it is too large.
std::optional<std::string> find_member(LayerStream& stream, std::string_view path,
                                       std::size_t most_bytes);

}  // namespace pausa::unpack
