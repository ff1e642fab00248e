// What a container mounts of its pod's volumes, and where: opened here, bound by the child.
#pragma once

#include "pod/spec.hpp"
#include "rootfs/layout.hpp"
#include "state/store.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <string>
#include <vector>

namespace pausa::supervisor {

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
