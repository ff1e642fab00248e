// What of the machine's root stays hidden in a container that runs on it. For this room only.
#pragma once

#include <string>
#include <vector>

namespace pausa::image {

// Below `root` (of the machine: "/"): home directories, and all that is closed to other users in
// the places where a system keeps secrets. Symbolic links and other file systems are not entered.
// Paths are absolute as seen from that root, sorted, none below another. `also`: more paths that
// are hidden if they exist.
std::vector<std::string> paths_to_mask(const std::string& root,
                                       const std::vector<std::string>& also);

}  // namespace pausa::image
