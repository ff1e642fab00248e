// Files with images in them: what one holds, and how one is written.
#pragma once

#include "image/library.hpp"

#include <string>
#include <vector>

namespace pausa::image {

struct Archive {
  std::string source;  // as skopeo spells it: docker-archive:PATH[:NAME], oci-archive:PATH[:NAME]
  std::string name;    // as the archive has it; empty: it does not tell
};

// Its images, at least one. unpacker: the path of pausa-unpack. Throws sys::Error when it is
// neither.
std::vector<Archive> look_into(const std::string& path, const std::string& unpacker);

// Writes the images with their names. The same images give the same bytes, but for docker-archive,
// which takes one image. "-": standard output, for an OCI archive alone. Throws sys::Error; there
// is no file then.
void save(const Library& library, const std::vector<StoredImage>& images, const std::string& path,
          bool docker_archive);

}  // namespace pausa::image
