// The sources of a pod's volumes and where a container mounts them. Disk volumes are folders under
// the pod's data directory, memory volumes are file systems that infra holds, host paths are the
// user's own, claims are folders that outlive the pod. Generated files lie in the pod's data
// directory (configMap) or in a file system that infra holds (all that may hold a secret).
#pragma once

#include "infra/sandbox.hpp"
#include "pod/spec.hpp"
#include "rootfs/layout.hpp"
#include "state/store.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <string>
#include <vector>

namespace pausa::supervisor {

// The folders of the pod's volumes, made with their modes and groups, and the generated files that
// lie on disk. Idempotent.
void make_volumes(const pod::Pod& pod, const state::Store& store, const state::Record& record);

// The generated files on disk or (when infra runs) in memory, from what the store says now. Throws
// sys::Error when something that they need is missing; the volume in question then stays as it is.
void write_generated_volumes(const pod::Pod& pod, const state::Store& store,
                             const state::Record& record, bool memory);

// The root of an emptyDir, on disk or in memory; empty when there is none of this name.
sys::UniqueFd open_empty_dir(const pod::Spec& spec, const state::Store& store,
                             const state::Record& record, const std::string& volume);

// Infra's shared file systems: shm, the files of /etc, each memory volume.
std::vector<infra::SandboxRequest::Tmpfs> shared_memory(const pod::Spec& spec);

struct Mounts {
  std::vector<rootfs::Bind> binds;
  std::vector<sys::UniqueFd> sources;  // what the binds (and the tree around them) borrow
};

// What the manifest refers to is not there (any more), or cannot be expanded: the container waits
// with the reason CreateContainerConfigError.
class ContainerConfigError : public sys::Error {
 public:
  using sys::Error::Error;
};

// One container's mounts, in the order in which they are mounted (parents before children).
// variables: the container's, for subPathExpr. Throws sys::Error: "volume data: hostPath type check
// failed: …".
Mounts open_mounts(const pod::Pod& pod, const pod::Container& container, const state::Store& store,
                   const state::Record& record, const pod::KeyValues& variables);

}  // namespace pausa::supervisor
