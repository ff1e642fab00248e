// Where a pod's volumes lie, and how they are opened: folders of the pod on disk, trees that infra
// holds in memory, the user's own host paths, claims that outlive the pod.
#pragma once

#include "pod/spec.hpp"
#include "state/store.hpp"
#include "sys/fd.hpp"

#include <string>

namespace pausa::supervisor {

// nullptr: the pod has no such volume.
const pod::Volume* find_volume(const pod::Spec& spec, const std::string& name);

// The folder of those on disk, by name.
std::string disk_folder(const state::Store& store, const state::Record& record);

// What infra calls the tree of a volume in memory, and the one of all generated files that are to
// be there.
std::string memory_tree(const std::string& volume);
inline constexpr const char* files_tree = "files";

// A tree of infra's, for reading and writing from outside: its root shows them to those who may
// trace it. Throws when infra is gone.
sys::UniqueFd open_memory_tree(const state::Record& record, const std::string& tree);

// The root of an emptyDir, on disk or in memory; empty when there is none of this name.
sys::UniqueFd open_empty_dir(const pod::Spec& spec, const state::Store& store,
                             const state::Record& record, const std::string& volume);

// O_PATH; made where its type says so. Throws where it is not what its type says.
sys::UniqueFd open_host_path(const pod::HostPath& source);

// The directory (or file) behind a claim; made where no PersistentVolume is bound to it.
struct ClaimedSource {
  sys::UniqueFd fd;
  bool takes_group = false;  // fsGroup applies
  bool host_path = false;
};
ClaimedSource open_claim(const pod::Pod& pod, const pod::ClaimVolume& volume,
                         const state::Store& store);

}  // namespace pausa::supervisor
