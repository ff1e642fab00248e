// Where control groups are made on this machine: pure v2, v1 (a tree per controller), or hybrid
// (controllers on v1, and beside them a v2 tree that has none but tracks, freezes and kills).
//
// A group is a name such as "pausa/UID" or "pausa/UID/web", the same in each tree that takes part,
// below a base: the root of the tree where we may write there (as runc's cgroupfs driver does),
// else the highest writable ancestor of our own group (a user's delegated subtree, v2 only). Names,
// not directories, belong in records: plan_paths is for people.
//
// On v2 the kernel keeps processes and limited children apart (cgroups(7), "no internal
// processes"): processes live in leaves ("pausa/UID/infra"), "pausa/UID" only limits. The same
// names work on v1.
//
// Probe once and pass it on; copies share the probed state. Not for child zones.
#pragma once

#include "cgroup/devices.hpp"
#include "cgroup/limits.hpp"
#include "sys/error.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pausa::cgroup {

class Group;
struct Trees;

enum class Mode { none, v1, v2, hybrid };

class Hierarchy {
 public:
  // Reads /proc/self/mountinfo and /proc/self/cgroup.
  static Hierarchy detect();
  static Hierarchy detect(std::string_view mountinfo, std::string_view own_groups);

  Mode mode() const;
  // Whether this controller can limit our groups.
  bool has(Controller controller) const;
  // Whether processes can be put into groups at all (else they are found by pidfd and namespace).
  bool tracks() const;
  DeviceControl device_control() const;
  // Why the controllers of these limits are missing and what to do about it; nullopt if they can be
  // kept. For validation before anything is created.
  std::optional<std::string> why_not(const Limits& limits) const;

  // The directories that create() would make, in the order of making.
  std::vector<std::string> plan_paths(const std::string& name, const Limits& limits,
                                      bool devices) const;
  // Makes the group (and what is missing above it), sets the limits and, if given, the device
  // filter. An empty group of that name is made anew, with counters at zero; one with processes is
  // taken over, so that an interrupted start can be repeated. On failure it removes what it made.
  // Throws sys::Error, with the way out if a controller is missing.
  Group create(const std::string& name, const Limits& limits,
               const std::vector<Device>* devices = nullptr) const;
  // A group that exists in at least one tree.
  std::optional<Group> open(const std::string& name) const;
  // The names of the groups directly below this one, in any tree.
  std::vector<std::string> list(const std::string& name) const;

 private:
  explicit Hierarchy(std::shared_ptr<const Trees> trees) : trees_(std::move(trees)) {}
  std::shared_ptr<const Trees> trees_;
};

}  // namespace pausa::cgroup
