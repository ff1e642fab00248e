// What the supervisor found out about this machine once, and the programs it needs: probed when it
// starts, passed by reference to all who ask.
#pragma once

#include "cgroup/group.hpp"
#include "cgroup/hierarchy.hpp"
#include "security/caps.hpp"
#include "sys/fd.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace pausa::supervisor {

struct Host {
  std::string program;  // the path of this very program
  sys::UniqueFd program_fd;
  sys::UniqueFd infra_fd;  // pausa-infra
  sys::UniqueFd guard_fd;  // pausa-guard
  cgroup::Hierarchy cgroups;
  security::CapSet caps;                  // what we could hand on
  bool root = false;                      // of the initial user namespace
  std::vector<std::string> masked_paths;  // those that exist here
  std::vector<std::string> read_only_paths;
  std::int64_t memory = 0;                // of the machine, in bytes
  std::uint32_t mapped_ids = UINT32_MAX;  // how many ids from 0 on exist where we are

  // Throws sys::Error when a program of ours is missing.
  static Host probe();
};

}  // namespace pausa::supervisor
