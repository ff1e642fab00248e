// An image of one layer out of a root file system that somebody has as a tar or as a folder: an OCI
// layout of our own making, which is then pulled like any other.
#pragma once

#include "image/library.hpp"
#include "image/staging.hpp"

#include <string>

namespace pausa::image {

struct MadeLayout {
  Staging folder;  // goes away with it
  std::string source() const { return "oci:" + folder.path() + ":image"; }
};

// From a tar, plain or compressed by gzip or zstd, read to its end. Throws sys::Error.
MadeLayout layout_of_tar(const Library& library, int tar, const ImageConfig& config);
// From a folder: the same contents, owners and modes give the same digest, whatever their times.
MadeLayout layout_of_folder(const Library& library, const std::string& folder,
                            const ImageConfig& config);

}  // namespace pausa::image
