#include "launch/plan.hpp"

#include <sched.h>

#include <algorithm>
#include <string_view>

namespace pausa::launch {

// The story of a member, in order. What a process of the pod can see never has a way back to the
// host: everything of the host is left behind before `fork` makes the first process inside.
OwnedPlan::OwnedPlan(MemberRequest request)
    : process_(std::move(request.process)), layout_(std::move(request.layout)) {
  const auto& pod = request.pod;
  add_tasks(request.cgroup_tasks);
  add(Op::unshare, "own cgroup namespace").flags = CLONE_NEWCGROUP;
  if (!process_.oom_score_adj.empty())
    add(Op::oom_score, "set the out-of-memory score").path = process_.oom_score_adj.c_str();

  const int user = pod.namespaces & CLONE_NEWUSER;
  if (const int others = pod.namespaces & ~CLONE_NEWUSER; others != 0) {
    auto& join = add(Op::setns, "join the pod's network, IPC and UTS namespaces");
    join.fd = pod.infra_pidfd;
    join.flags = static_cast<std::uint64_t>(others);
  }
  add_mounts(layout_->prepare());

  if (pod.pid_namespace) {
    // Moves only the children to come, so it may stand here: the next child is the middle process.
    auto& join = add(Op::setns, "be born into the pod's PID namespace (the next child)");
    join.fd = pod.infra_pidfd;
    join.flags = CLONE_NEWPID;
  }
  auto& mounts = add(Op::setns, "enter infra's empty mount namespace");
  mounts.fd = pod.infra_pidfd;
  mounts.flags = static_cast<std::uint64_t>(CLONE_NEWNS | user);
  if (user != 0) add(Op::userns_root, "become root of the pod's user namespace");
  add(Op::unshare, "own mount namespace").flags = CLONE_NEWNS;
  add_mounts(layout_->attach());
  add_mounts(layout_->finish());

  become_member(pod, request.own_pid_namespace, request.nested_pidfd, &layout_->member());
  lay_out();
}

OwnedPlan::OwnedPlan(ExecRequest request) : process_(std::move(request.process)) {
  const auto& pod = request.pod;
  add_tasks(request.cgroup_tasks);
  if (!process_.oom_score_adj.empty())
    add(Op::oom_score, "set the out-of-memory score").path = process_.oom_score_adj.c_str();
  if (pod.pid_namespace) {
    auto& join = add(Op::setns, "be born into the pod's PID namespace (the next child)");
    join.fd = pod.infra_pidfd;
    join.flags = CLONE_NEWPID;
  }
  auto& join = add(Op::setns, "join the container's namespaces");
  join.fd = request.member_pidfd;
  join.flags = static_cast<std::uint64_t>(pod.namespaces | CLONE_NEWNS | CLONE_NEWCGROUP);
  if ((pod.namespaces & CLONE_NEWUSER) != 0)
    add(Op::userns_root, "become root of the pod's user namespace");
  become_member(pod, false, request.own_pid_namespace ? request.member_pidfd : -1, nullptr);
  lay_out();
}

// From the last step as a stranger to execve.
void OwnedPlan::become_member(const Pod& pod, bool own_pid_namespace, int nested,
                              const std::vector<rootfs::MountStep>* own) {
  add(Op::keyring, "own session keyring");
  if (process_.terminal)
    add(Op::terminal, "make a terminal").flags = own != nullptr ? 1 : 0;  // 1: the console, too
  else
    add(Op::stdio, "connect stdin, stdout and stderr");
  add(Op::close_fds, "close every other descriptor");
  // Not before: a supervisor of many members has more descriptors than a member may have.
  add(Op::limits, "set resource limits");
  // A PID namespace of one's own (and joining one) asks for CAP_SYS_ADMIN in the processes after
  // the fork. Nobody but infra can see them there, so they give up their privileges then.
  const bool late = own_pid_namespace || nested >= 0;
  if (!late) give_up_privileges();
  auto& fork = add(Op::fork, own_pid_namespace ? "be born in a PID namespace of its own"
                                               : "be born in the pod (a child of infra)");
  fork.flags = own_pid_namespace ? CLONE_NEWPID : 0;
  // In the host's PID namespace infra inherits nobody: the member is the supervisor's own child.
  if (!pod.pid_namespace) fork.flags |= CLONE_PARENT;
  fork.fd = nested;
  add(Op::wait_go, "wait until the member stands in the pod's record");
  add(Op::session, "own session").flags = process_.terminal ? 1 : 0;
  if (late && own != nullptr) add_mounts(*own);
  if (late) give_up_privileges();
  if (!process_.working_dir.empty()) {
    auto& step = add(Op::working_dir, "change to working directory " + process_.working_dir);
    step.path = process_.working_dir.c_str();
  }
  add(Op::identity,
      "become user " + std::to_string(process_.uid) + ", group " + std::to_string(process_.gid));
  add(Op::hold_caps, "hold the container's capabilities").flags =
      process_.uid == 0 ? process_.capabilities : 0;
  if (process_.no_new_privs) {
    add(Op::no_new_privs, "no new privileges");
    if (process_.filter != nullptr) add(Op::seccomp, "load the seccomp filter");
  }
  add(Op::exec, "execute \"" + process_.argv.front() + "\"");
}

// seccomp(2) wants CAP_SYS_ADMIN or no_new_privs: without the latter the filter is loaded while we
// still have the former.
void OwnedPlan::give_up_privileges() {
  if (!process_.no_new_privs && process_.filter != nullptr)
    add(Op::seccomp, "load the seccomp filter");
  add(Op::bound_caps, "drop capabilities from the bounding set").flags = process_.capabilities;
  add(Op::hold_caps, "drop capabilities").flags =
      process_.capabilities | security::needed_by_set_ids;
}

Plan OwnedPlan::plan(int report) {
  Plan plan;
  plan.steps = steps_.data();
  plan.step_count = steps_.size();
  plan.slots = slots_.data();
  plan.report = report;
  plan.stdin_fd = process_.stdin_fd;
  plan.stdout_fd = process_.stdout_fd;
  plan.stderr_fd = process_.stderr_fd;
  plan.argv = argv_.data();
  plan.envp = envp_.data();
  plan.confinement = &confinement_;
  return plan;
}

const char* OwnedPlan::keep(std::string text) {
  return strings_.emplace_back(std::move(text)).c_str();
}

Step& OwnedPlan::add(Op op, std::string what) {
  auto& step = steps_.emplace_back();
  step.op = op;
  step.what = keep(std::move(what));
  return step;
}

void OwnedPlan::add_mounts(const std::vector<rootfs::MountStep>& mounts) {
  for (const auto& mount : mounts) {
    auto& step = steps_.emplace_back();
    step.op = Op::mount;
    step.mount = &mount;
    step.what = mount.what;
  }
}

void OwnedPlan::add_tasks(const std::vector<int>& tasks) {
  for (const int fd : tasks) add(Op::cgroup_tasks, "enter the container's cgroup").fd = fd;
}

void OwnedPlan::lay_out() {
  slots_.assign(layout_ ? static_cast<std::size_t>(layout_->slots()) : 1, -1);
  for (const auto& word : process_.argv) argv_.push_back(word.c_str());
  argv_.push_back(nullptr);
  for (const auto& pair : process_.env) envp_.push_back(pair.c_str());
  envp_.push_back(nullptr);
  for (auto& file : exec_candidates(process_.argv.front(), process_.env))
    candidates_.push_back(keep(std::move(file)));
  candidates_.push_back(nullptr);
  steps_.back().list = candidates_.data();

  confinement_.uid = process_.uid;
  confinement_.gid = process_.gid;
  confinement_.groups = process_.groups.data();
  confinement_.group_count = process_.groups.size();
  confinement_.keep_groups = process_.keep_groups;
  confinement_.bounding = process_.capabilities;
  confinement_.effective = process_.uid == 0 ? process_.capabilities : 0;
  confinement_.no_new_privs = process_.no_new_privs;
  if (process_.filter != nullptr) {
    confinement_.filter = process_.filter->program.data();
    confinement_.filter_length = process_.filter->program.size();
    confinement_.filter_flags = process_.filter->flags;
  }
  confinement_.rlimits = process_.rlimits.data();
  confinement_.rlimit_count = process_.rlimits.size();
}

std::vector<std::string> exec_candidates(const std::string& program,
                                         const std::vector<std::string>& env) {
  if (program.empty() || program.find('/') != std::string::npos) return {program};
  std::string_view path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  for (const auto& pair : env)
    if (pair.starts_with("PATH=")) path = std::string_view(pair).substr(5);
  std::vector<std::string> files;
  for (std::size_t at = 0; at <= path.size();) {
    const auto end = std::min(path.find(':', at), path.size());
    const auto folder = path.substr(at, end - at);
    // An empty element means the working directory; as in runc only absolute ones are searched.
    if (!folder.empty() && folder.front() == '/')
      files.push_back(std::string(folder) + "/" + program);
    at = end + 1;
  }
  if (files.empty()) files.push_back("/" + program);
  return files;
}

}  // namespace pausa::launch
