// An image's files as one tree for looking at: read-only, without set-user-ID and devices.
#pragma once

#include <string>
#include <vector>

namespace pausa::image {

// Mounts the layers (the topmost first, as of ResolvedImage) at this folder, in the mount namespace
// that we are in. user_namespace: it is not the host's. Throws sys::Error.
void mount_layers(const std::vector<std::string>& layers, const std::string& at,
                  bool user_namespace);

}  // namespace pausa::image
