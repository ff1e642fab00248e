// From a container of the manifest to the plan of its launch: its process (member_process.hpp) and
// its tree of files (member_tree.hpp) come together here, all in the parent, where it may fail with
// a sentence.
#pragma once

#include "cgroup/group.hpp"
#include "image/image.hpp"
#include "launch/plan.hpp"
#include "pod/spec.hpp"
#include "security/seccomp.hpp"
#include "security/user.hpp"
#include "supervisor/mounts.hpp"
#include "supervisor/pod_context.hpp"
#include "sys/fd.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pausa::supervisor {

// A member that can be launched, with everything that its plan borrows.
struct Member {
  std::unique_ptr<launch::OwnedPlan> plan;
  Mounts mounts;
  std::optional<security::Filter> filter;
  sys::UniqueFd stdin_end, stdout_end, stderr_end;  // the member's ends
  security::Identity identity;
  bool own_pid_namespace = false;
};

// Throws ContainerConfigError when what the container refers to is not there. Makes nothing.
void require_config(const PodContext& context, const pod::Container& container);

// The member's ends of its streams come from the caller. group: made already, with its limits
// (nullptr: none). rootfs_dir: the folder for this instance's upper layer, made here.
Member prepare_member(const PodContext& context, const pod::Container& container,
                      const image::ResolvedImage& image, cgroup::Group* group,
                      const std::string& rootfs_dir, sys::UniqueFd stdin_end,
                      sys::UniqueFd stdout_end, sys::UniqueFd stderr_end);

// An exec session in a running container: the same user, capabilities and filter.
struct ExecOptions {
  std::vector<std::string> argv;
  std::vector<std::string> env;     // added to the container's
  std::optional<std::string> user;  // "uid[:gid]" or names of the image
  std::optional<std::string> working_dir;
  bool terminal = false;
};

struct ExecTarget {
  int member_pidfd = -1;
  pid_t member_pid = 0;
  bool own_pid_namespace = false;
};

// tasks: more v1 groups to enter, after the container's.
Member prepare_exec(const PodContext& context, const pod::Container& container,
                    const image::ResolvedImage& image, cgroup::Group* group,
                    const ExecTarget& target, const ExecOptions& options, int stdin_fd,
                    int stdout_fd, int stderr_fd, const std::vector<int>& tasks = {});

}  // namespace pausa::supervisor
