// Builds the plan of a launch: which steps, in which order. This is where the order of isolation
// stands (plan.cpp). Pure: no system call; the descriptors that a plan names are borrowed and must
// outlive the launch. Not for child zones.
#pragma once

#include "launch/step.hpp"
#include "rootfs/layout.hpp"
#include "security/seccomp.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace pausa::launch {

// What runs, and as whom.
struct Process {
  std::vector<std::string> argv;
  std::vector<std::string> env;  // "NAME=value"
  std::string working_dir = "/";
  bool terminal = false;
  int stdin_fd = -1;  // -1: /dev/null
  int stdout_fd = -1;
  int stderr_fd = -1;

  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> groups;
  bool keep_groups = false;
  std::uint64_t capabilities = 0;
  bool no_new_privs = false;
  const security::Filter* filter = nullptr;  // borrowed; nullptr: unconfined
  std::vector<security::Rlimit> rlimits;
  std::string oom_score_adj;  // empty: as inherited
};

// The pod to join.
struct Pod {
  int infra_pidfd = -1;
  int namespaces = 0;         // CLONE_NEW* of infra's to join (not CLONE_NEWPID, not CLONE_NEWNS)
  bool pid_namespace = true;  // infra has a PID namespace of the pod's own
};

struct MemberRequest {
  Pod pod;
  Process process;
  std::vector<int> cgroup_tasks;  // v1
  bool own_pid_namespace = false;
  int nested_pidfd = -1;  // whose PID namespace it is born in: another member's that has its own
  std::unique_ptr<rootfs::Layout> layout;
};

struct ExecRequest {
  Pod pod;
  Process process;
  std::vector<int> cgroup_tasks;
  int member_pidfd = -1;           // whose mount and cgroup namespaces are joined
  bool own_pid_namespace = false;  // the member's PID namespace is its own
};

// A plan with everything it points to. Neither copied nor moved, since the plan holds pointers.
class OwnedPlan {
 public:
  explicit OwnedPlan(MemberRequest request);
  explicit OwnedPlan(ExecRequest request);
  OwnedPlan(const OwnedPlan&) = delete;
  OwnedPlan& operator=(const OwnedPlan&) = delete;

  // With the report socket of this launch filled in.
  Plan plan(int report);
  const std::vector<Step>& steps() const { return steps_; }
  bool terminal() const { return process_.terminal; }

 private:
  const char* keep(std::string text);
  Step& add(Op op, std::string what);
  void add_mounts(const std::vector<rootfs::MountStep>& mounts);
  void add_tasks(const std::vector<int>& tasks);
  void give_up_privileges();
  void become_member(const Pod& pod, bool own_pid_namespace, int nested,
                     const std::vector<rootfs::MountStep>* own);
  void lay_out();

  Process process_;
  std::unique_ptr<rootfs::Layout> layout_;
  std::deque<std::string> strings_;
  std::vector<Step> steps_;
  std::vector<int> slots_;
  std::vector<const char*> argv_;
  std::vector<const char*> envp_;
  std::vector<const char*> candidates_;
  security::Confinement confinement_;
};

// One line a step: what it does, and a shell command that does the same.
std::string explain(const std::vector<Step>& steps);

// The files that execvpe(3) would try for argv[0], by the PATH in env.
std::vector<std::string> exec_candidates(const std::string& program,
                                         const std::vector<std::string>& env);

}  // namespace pausa::launch
