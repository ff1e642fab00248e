// The sources of a pod's volumes and where a container mounts them. Disk volumes are folders under
// the pod's data directory, memory volumes are file systems that infra holds, host paths are the
// user's own.
#pragma once

#include "infra/sandbox.hpp"
#include "pod/spec.hpp"
#include "rootfs/layout.hpp"
#include "sys/fd.hpp"

#include <string>
#include <vector>

namespace pausa::supervisor {

// The folders of the pod's disk volumes, made with their modes and groups. Idempotent.
void make_volumes(const pod::Spec& spec, const std::string& volumes_dir);

// Infra's shared file systems: shm, the files of /etc, each memory volume.
std::vector<infra::SandboxRequest::Tmpfs> shared_memory(const pod::Spec& spec);

struct Mounts {
  std::vector<rootfs::Bind> binds;
  std::vector<sys::UniqueFd> sources;  // what the binds (and the tree around them) borrow
};

// One container's mounts, in the order in which they are mounted (parents before children).
// Throws sys::Error: "volume data: hostPath type check failed: …".
Mounts open_mounts(const pod::Spec& spec, const pod::Container& container,
                   const std::string& volumes_dir);

}  // namespace pausa::supervisor
