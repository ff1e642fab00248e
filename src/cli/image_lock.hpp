// FILE.lock beside a manifest: what its images were when somebody looked, one line each, sorted:
// "NAME DIGEST", the name as the manifest has it. `up` takes an image that stands there as
// NAME@DIGEST. Images of files, of this machine and with a digest of their own have no line.
#pragma once

#include "cli/options.hpp"
#include "manifest/load.hpp"
#include "state/store.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pausa::cli {

using ImageDigests = std::map<std::string, std::string>;
// Throws sys::Error with the line that is wrong.
ImageDigests parse_image_lock(std::string_view text);
// name: the manifest's.
std::string image_lock_text(const std::string& name, const ImageDigests& digests);

// Puts the digests in that lie beside the manifests; before anchor_images(). Tells on stderr,
// unless quiet, that it does so and of which image nothing is written. Throws sys::Error.
void pin_images(const state::Store& store, manifest::LoadResult& loaded, bool quiet);

// FILE…: writes the locks, or compares them (--check). The exit code.
int lock_images(const state::Store& store, const std::vector<std::string>& files,
                const Options& options);

}  // namespace pausa::cli
