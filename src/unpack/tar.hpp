// A layer's tar, entry by entry, into a writer. libarchive reads (tar alone; decompression is not
// its business here), we write.
#pragma once

#include "unpack/decode.hpp"
#include "unpack/writer.hpp"

namespace pausa::unpack {

// Throws sys::Error with the entry that is refused, or says that the archive is cut off or broken.
void unpack_tar(LayerStream& stream, Writer& writer, const Limits& limits);

}  // namespace pausa::unpack
