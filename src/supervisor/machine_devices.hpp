// The devices of this machine, for privileged containers.
#pragma once

#include "rootfs/layout.hpp"

#include <vector>

namespace pausa::supervisor {

// All below /dev, directories before what is in them; not the terminals, message queues and shared
// memory, of which each container or pod has its own.
std::vector<rootfs::DeviceNode> machine_devices();

}  // namespace pausa::supervisor
