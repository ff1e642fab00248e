// Gives a volume that outlives its pods to the pod's fsGroup, as the kubelet does: every file and
// directory in it gets the group and its rights, directories the setgid bit.
#pragma once

#include "pod/spec.hpp"

#include <cstdint>
#include <string>

namespace pausa::supervisor {

// dir may be an O_PATH handle. Follows no link and enters no mount. With on_root_mismatch nothing
// is done when the top has the group and its rights already. Throws sys::Error.
void give_to_group(int dir, std::uint32_t group, pod::FsGroupChangePolicy policy,
                   const std::string& volume);

}  // namespace pausa::supervisor
