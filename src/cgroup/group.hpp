// A group of processes with limits: an owner of directory handles, not of the group. The group
// outlives the object; remove() ends it. Made by Hierarchy. Not for child zones, which get clone_fd
// and tasks_fds as plain numbers.
#pragma once

#include "cgroup/hierarchy.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pausa::cgroup {

using Deadline = std::chrono::steady_clock::time_point;
struct Tree;

struct Stats {
  std::optional<std::int64_t> memory_bytes;          // with the page cache
  std::optional<std::int64_t> memory_working_bytes;  // less the inactive cache, as kubectl top
  std::optional<std::int64_t> memory_peak_bytes;
  std::optional<std::int64_t> cpu_usec;
  std::int64_t pids = 0;  // tasks (threads count) where a controller knows, else processes
  std::int64_t oom_kills = 0;
};

class Group {
 public:
  Group(Group&&) noexcept;
  Group& operator=(Group&&) noexcept;
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;
  ~Group();

  const std::string& name() const { return name_; }
  std::vector<std::string> paths() const;

  // The v2 directory, for clone3(2) with CLONE_INTO_CGROUP; -1 if there is no v2 tree.
  int clone_fd() const;
  // The `tasks` file of each v1 tree, open for writing. Who joins writes "0" into each by itself: a
  // thread that moves itself is cheap (0.1 ms), while `cgroup.procs` waits for an RCU grace period
  // (5 to 15 ms, Linux 5.5 and later). Opened on the first call; the group keeps them.
  const std::vector<int>& tasks_fds();

  // A group below this one (which has processes) without limits of its own: what is in it can be
  // found and ended apart from the rest. Only in the tree that tracks; who joins goes into this
  // group's other trees as well. It goes with this group's remove(). Throws sys::Error.
  Group below(const std::string& name) const;

  // Changes the limits of a living group.
  void update(const Limits& limits) const;
  Stats stats() const;
  std::int64_t oom_kills() const;
  // Of this group and the groups below it, as far as this PID namespace sees them.
  std::vector<pid_t> processes() const;
  bool empty() const;
  // True when the group is empty, false at the deadline.
  bool wait_empty(Deadline deadline) const;
  // For a loop of the caller's own: becomes readable with POLLPRI when `empty` may have changed;
  // an empty owner without a v2 tree.
  sys::UniqueFd events() const;

  void freeze() const;
  void thaw() const;
  bool frozen() const;

  // Tear-down steps: they go on after a failure and return what failed.
  // SIGKILL to all of the group and below, also to those frozen. Does not wait. The group is spent
  // then: make it anew before anything is started in it.
  std::vector<sys::Error> kill() noexcept;
  // Removes the group with the groups below it, and the top one of the name ("pausa") if that was
  // the last in it. Waits up to the deadline for processes that are still dying; gone is success.
  std::vector<sys::Error> remove(Deadline deadline) noexcept;

 private:
  friend class Hierarchy;
  struct Seat {
    const Tree* tree;  // of trees_
    sys::UniqueFd dir;
  };
  Group(std::shared_ptr<const Trees> trees, std::string name);
  static Group make(std::shared_ptr<const Trees> trees, const std::string& name,
                    const Limits& limits, const std::vector<Device>* devices);
  static std::optional<Group> find(std::shared_ptr<const Trees> trees, const std::string& name);

  const Seat* v2_seat() const;
  const Seat* seat_of(Controller controller) const;
  const Seat* tracker() const;
  void restrict_devices(const std::vector<Device>& devices) const;
  void remove_from(const Seat& seat, Deadline deadline) const;

  std::shared_ptr<const Trees> trees_;
  std::string name_;
  std::vector<Seat> seats_;
  std::vector<sys::UniqueFd> tasks_;
  std::vector<int> tasks_fds_;
};

}  // namespace pausa::cgroup
