// A pod's volumes, made and filled. Disk volumes are folders under the pod's data directory, memory
// volumes are file systems that infra holds, host paths are the user's own, claims are folders that
// outlive the pod. Generated files lie in the pod's data directory (configMap) or in a file system
// that infra holds (all that may hold a secret).
#pragma once

#include "infra/sandbox.hpp"
#include "pod/spec.hpp"
#include "state/store.hpp"

#include <vector>

namespace pausa::supervisor {

// The folders of the pod's volumes, made with their modes and groups, and the generated files that
// lie on disk. Idempotent.
void make_volumes(const pod::Pod& pod, const state::Store& store, const state::Record& record);

// The generated files on disk or (when infra runs) in memory, from what the store says now. Throws
// sys::Error when something that they need is missing; the volume in question then stays as it is.
void write_generated_volumes(const pod::Pod& pod, const state::Store& store,
                             const state::Record& record, bool memory);

// Infra's shared file systems: shm, the files of /etc, each memory volume.
std::vector<infra::SandboxRequest::Tmpfs> shared_memory(const pod::Spec& spec);

}  // namespace pausa::supervisor
