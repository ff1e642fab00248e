// The built-in image: a root file system around the machine's static busybox. For this room only.
#pragma once

#include "image/image.hpp"

#include <string>

namespace pausa::image {

// The root's directory in the store, assembled if this machine's busybox is not in it yet. Safe to
// run from several processes at once: each builds its own, and the first rename wins.
std::string assemble_busybox(const Store& store);
// As above, for a busybox at another place.
std::string assemble_busybox(const Store& store, const std::string& program);
// Where the machine has it; throws if it has none.
std::string find_busybox();

}  // namespace pausa::image
