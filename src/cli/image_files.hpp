// The verbs of `pausa image` that read and write files: load, save, import, build-from.
#pragma once

#include "cli/options.hpp"
#include "image/library.hpp"
#include "state/store.hpp"

#include <string>
#include <vector>

namespace pausa::cli {

// The image that is meant. Throws NoSuchObject.
image::StoredImage find_image(const image::Library& library, const std::string& word);
// The name of one that is made here: without a registry it is this machine's. Throws UsageError.
std::string image_name(const std::string& word);

// FILE [NAME]
int load_image(const state::Store& store, const std::vector<std::string>& words,
               const Options& options);
// IMAGE…, or with --all manifests
int save_images(const state::Store& store, const std::vector<std::string>& words,
                const Options& options);
// TAR|- NAME
int import_image(const state::Store& store, const std::vector<std::string>& words,
                 const Options& options);
// DIR NAME
int build_image(const state::Store& store, const std::vector<std::string>& words,
                const Options& options);

}  // namespace pausa::cli
