// Images mounted for looking at: RUNROOT/mounts/HEX/root, HEX being the digest of the image's
// manifest, with `name` beside it. What stands there is in use, whether the mount is there yet or
// not, and is taken away by `image umount`, `system prune` and `reset`.
#pragma once

#include "cli/options.hpp"
#include "state/store.hpp"

#include <string>
#include <vector>

namespace pausa::cli {

// [IMAGE [COMMAND…]]: mounts it and prints where; with a command runs that in the image's root, in
// a mount namespace of its own, and returns its exit code; with nothing lists what is mounted.
int mount_image(const state::Store& store, const std::vector<std::string>& words);
// IMAGE… or, with `all`, all of them.
int unmount_images(const state::Store& store, const std::vector<std::string>& words, bool all);

// Digests of the manifests.
std::vector<std::string> mounted_images(const state::Paths& paths);
// Prints each. Throws sys::Error.
void unmount_all(const state::Paths& paths);

}  // namespace pausa::cli
