// What all members of a pod have in common.
#pragma once

#include "pod/spec.hpp"
#include "state/store.hpp"
#include "supervisor/host.hpp"

#include <cstdint>
#include <string>

namespace pausa::supervisor {

struct PodContext {
  const Host& host;
  const pod::Pod& pod;
  std::string data_dir;  // of the pod
  std::string hostname;
  bool user_namespace = false;  // the pod is in another one than the host's root
  std::uint32_t id_base = 0;    // where its id 0 is for us, which is where we are but with
                                // hostUsers: false as root
  std::uint32_t mapped_ids = UINT32_MAX;  // how many ids it has
  int infra_pidfd = -1;
  int namespaces = 0;  // CLONE_NEW* of infra's that differ from ours (without mnt and pid)
  bool pid_namespace = true;
  int target_pidfd = -1;  // an ephemeral container's target, which has a PID namespace of its own
  const state::Store* store = nullptr;
  const state::Record* record = nullptr;
};

}  // namespace pausa::supervisor
