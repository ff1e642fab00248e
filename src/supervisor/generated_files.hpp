// Writes the directory of a generated volume as the kubelet does: the files lie in a folder that is
// made anew for each content, "..data" is a link to it that is switched in one step, and every name
// that a container sees is a link through "..data". Works by handle and follows no link, whatever a
// container planted there (CVE-2025-9566).
#pragma once

#include "pod/projection.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pausa::supervisor {

struct FilesOwner {
  std::uint32_t id_base = 0;              // user and group, as they are for us
  std::optional<std::uint32_t> fs_group;  // of the pod, likewise
};

// Below the folder `parent`, which is ours alone. Throws sys::Error; the old content is then whole.
void write_generated(int parent, const std::string& name,
                     const std::vector<pod::ProjectedFile>& files, const FilesOwner& owner);

}  // namespace pausa::supervisor
