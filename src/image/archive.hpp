// A file with an image in it, by what it holds.
#pragma once

#include <string>

namespace pausa::image {

struct Archive {
  std::string source;  // as skopeo spells it: docker-archive:PATH or oci-archive:PATH
  std::string name;    // as the archive has it; empty: it has none, or several
};

// unpacker: the path of pausa-unpack. Throws sys::Error when it is neither.
Archive look_into(const std::string& path, const std::string& unpacker);

}  // namespace pausa::image
