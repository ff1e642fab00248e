// From a container of the manifest to the plan of its launch: image, user, environment, mounts,
// confinement and limits come together here, all in the parent, where it may fail with a sentence.
#pragma once

#include "cgroup/group.hpp"
#include "image/image.hpp"
#include "launch/plan.hpp"
#include "pod/spec.hpp"
#include "security/seccomp.hpp"
#include "security/user.hpp"
#include "state/store.hpp"
#include "supervisor/host.hpp"
#include "supervisor/volumes.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pausa::supervisor {

// What all members of a pod have in common.
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

// The argv of a container by Kubernetes' table: command replaces ENTRYPOINT and CMD, args replaces
// CMD. Throws when nothing is left to run.
std::vector<std::string> container_argv(const std::vector<std::string>& command,
                                        const std::vector<std::string>& args,
                                        const image::ImageConfig& config);

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

// The limits of a container's group (and of the whole pod's).
cgroup::Limits container_limits(const pod::Container& container);
cgroup::Limits pod_limits(const pod::Spec& spec);
// Of those, what this machine can keep: our own limit of processes and the weight of a CPU request
// are left out where there is no controller for them.
cgroup::Limits keepable(const cgroup::Hierarchy& cgroups, cgroup::Limits limits);
// Why the limits of the manifest cannot be kept, and the way out; nullopt when they can.
std::optional<std::string> why_no_limits(const cgroup::Hierarchy& cgroups, const pod::Spec& spec);

}  // namespace pausa::supervisor
