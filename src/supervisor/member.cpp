#include "supervisor/member.hpp"

#include "pod/expand.hpp"
#include "supervisor/member_process.hpp"
#include "supervisor/member_tree.hpp"
#include "sys/error.hpp"

#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>

namespace pausa::supervisor {
namespace {

launch::Pod launch_pod(const PodContext& context) {
  return {context.infra_pidfd, context.namespaces, context.pid_namespace};
}

// So that /dev/stdout can be opened by another user than the pipe's, as with log pipes. Only pipes
// without a name: those of the file system are somebody's files.
void give_pipe(int fd, uid_t owner) {
  struct statfs info {};
  if (fd >= 0 && ::fstatfs(fd, &info) == 0 && info.f_type == PIPEFS_MAGIC)
    (void)!::fchown(fd, owner, static_cast<gid_t>(-1));  // not ours to give: then it stays closed
}

}  // namespace

void require_config(const PodContext& context, const pod::Container& container) {
  const auto& mounts = container.volume_mounts;
  const bool refers =
      !container.env_from.empty() ||
      std::any_of(container.env.begin(), container.env.end(),
                  [](const pod::EnvVar& variable) { return variable.from != nullptr; }) ||
      std::any_of(mounts.begin(), mounts.end(),
                  [](const pod::VolumeMount& mount) { return mount.expand_sub_path; });
  if (!refers) return;
  const auto expanded = expand(context, container, false);
  for (const auto& mount : mounts) {
    if (!mount.expand_sub_path) continue;
    if (const auto path = pod::expand_sub_path(mount.sub_path, expanded.env); path.fault)
      throw ContainerConfigError("volume " + mount.name + ": " + *path.fault);
  }
}

Member prepare_member(const PodContext& context, const pod::Container& container,
                      const image::ResolvedImage& image, cgroup::Group* group,
                      const std::string& rootfs_dir, sys::UniqueFd stdin_end,
                      sys::UniqueFd stdout_end, sys::UniqueFd stderr_end) {
  Member member;
  member.identity = resolve_user(context, container, image, std::nullopt);
  const auto expanded = expand(context, container, false);

  launch::MemberRequest request;
  request.pod = launch_pod(context);
  const bool own = !context.pod.spec.share_process_namespace && context.pid_namespace;
  member.own_pid_namespace = own;
  request.own_pid_namespace = own && context.target_pidfd < 0;
  if (own) request.nested_pidfd = context.target_pidfd;
  if (group != nullptr) request.cgroup_tasks = group->tasks_fds();
  request.process = make_process(context, container, member.identity, member.filter);
  auto& process = request.process;
  process.argv = container_argv(expanded.command, expanded.args, image.config);
  process.env = environment(context, container, image, expanded.env, member.identity.home);
  process.working_dir =
      !container.working_dir.empty() ? container.working_dir : image.config.working_dir;
  process.terminal = container.tty;
  member.stdin_end = std::move(stdin_end);
  member.stdout_end = std::move(stdout_end);
  member.stderr_end = std::move(stderr_end);
  process.stdin_fd = member.stdin_end.get();
  process.stdout_fd = member.stdout_end.get();
  process.stderr_fd = member.stderr_end.get();
  // A pipe belongs to whom it was made by: without this /dev/stdout cannot be opened by others.
  if (const uid_t owner = context.id_base + member.identity.uid; owner != 0)
    for (const auto* end : {&member.stdout_end, &member.stderr_end})
      if (*end)
        sys::check(::fchown(end->get(), owner, static_cast<gid_t>(-1)),
                   "give the log pipe to user ", owner);

  auto tree = member_tree(context, container, image, rootfs_dir, expanded.env, member.mounts);
  tree.own_proc = own;
  tree.no_suid = process.no_new_privs;
  tree.cgroup2 = group != nullptr && group->clone_fd() >= 0;
  tree.working_dir = process.working_dir;
  request.layout = std::make_unique<rootfs::Layout>(tree);
  member.plan = std::make_unique<launch::OwnedPlan>(std::move(request));
  return member;
}

Member prepare_exec(const PodContext& context, const pod::Container& container,
                    const image::ResolvedImage& image, cgroup::Group* group,
                    const ExecTarget& target, const ExecOptions& options, int stdin_fd,
                    int stdout_fd, int stderr_fd, const std::vector<int>& tasks) {
  Member member;
  member.identity = resolve_user(context, container, image, options.user);
  member.own_pid_namespace = target.own_pid_namespace;
  const auto expanded = expand(context, container, true);

  launch::ExecRequest request;
  request.pod = launch_pod(context);
  request.member_pidfd = target.member_pidfd;
  request.own_pid_namespace = target.own_pid_namespace;
  if (group != nullptr) request.cgroup_tasks = group->tasks_fds();
  request.cgroup_tasks.insert(request.cgroup_tasks.end(), tasks.begin(), tasks.end());
  request.process = make_process(context, container, member.identity, member.filter);
  auto& process = request.process;
  process.argv = options.argv;
  process.env = environment(context, container, image, expanded.env, member.identity.home);
  if (options.terminal && !has_variable(process.env, "TERM"))
    process.env.emplace_back("TERM=xterm");
  for (const auto& pair : options.env) {
    const auto split = pair.find('=');
    set_variable(process.env, pair.substr(0, split),
                 split == std::string::npos ? "" : pair.substr(split + 1));
  }
  process.working_dir = options.working_dir              ? *options.working_dir
                        : !container.working_dir.empty() ? container.working_dir
                                                         : image.config.working_dir;
  process.terminal = options.terminal;
  process.stdin_fd = stdin_fd;
  process.stdout_fd = stdout_fd;
  process.stderr_fd = stderr_fd;
  if (const uid_t owner = context.id_base + member.identity.uid; owner != 0)
    for (const int fd : {stdin_fd, stdout_fd, stderr_fd}) give_pipe(fd, owner);
  member.plan = std::make_unique<launch::OwnedPlan>(std::move(request));
  return member;
}

}  // namespace pausa::supervisor
