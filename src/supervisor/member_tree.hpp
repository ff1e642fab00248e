// The tree of files that a member gets: its image, a layer of its own above it, and what is mounted
// there.
#pragma once

#include "image/image.hpp"
#include "pod/key_values.hpp"
#include "pod/spec.hpp"
#include "rootfs/layout.hpp"
#include "supervisor/mounts.hpp"
#include "supervisor/pod_context.hpp"

#include <string>

namespace pausa::supervisor {

// rootfs_dir: for the layer of this instance, made here. variables: the container's, for
// subPathExpr. mounts: gains what the tree borrows. Left to the caller is what depends on the
// process: own_proc, no_suid, cgroup2, working_dir.
rootfs::Request member_tree(const PodContext& context, const pod::Container& container,
                            const image::ResolvedImage& image, const std::string& rootfs_dir,
                            const pod::KeyValues& variables, Mounts& mounts);

}  // namespace pausa::supervisor
