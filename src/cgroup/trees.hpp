// The trees that Hierarchy found, shared by it and its groups. For this room only.
#pragma once

#include "cgroup/hierarchy.hpp"
#include "sys/fd.hpp"

#include <optional>
#include <string>
#include <vector>

namespace pausa::cgroup {

struct Tree {
  bool v2 = false;
  std::string path;  // of the base
  sys::UniqueFd base;
  std::vector<Controller> controllers;

  bool has(Controller controller) const;
};

struct Trees {
  std::vector<Tree> writable;            // the v2 tree first, if there is one
  std::vector<Controller> out_of_reach;  // mounted, but not for us to write
  bool v2_mounted = false;
  bool v1_mounted = false;

  const Tree* v2() const;
  const Tree* tree_of(Controller controller) const;
  DeviceControl device_control() const;  // probed on the first call
  // The loaded v2 filter for this list, which stays loaded for the next group. Throws.
  int device_filter(const std::vector<Device>& allowed) const;

 private:
  mutable std::optional<DeviceControl> device_control_;
  mutable std::vector<Device> filtered_;
  mutable sys::UniqueFd filter_;
};

// The trees in which a group needs a directory: v2 (or the v1 freezer) to track it, and those of
// its limits. A group also joins where the group above it is, whose limits are to count for it.
std::vector<const Tree*> trees_for(const Trees& trees, const std::string& name,
                                   const Limits& limits, bool devices);

}  // namespace pausa::cgroup
