#include "infra/sandbox_plan.hpp"

#include <algorithm>
#include <initializer_list>
#include <string_view>

namespace pausa::infra {
namespace {

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return text.starts_with(prefix); });
}

// Components that are names, one after the other: nothing that leads up, out, or nowhere.
bool is_plain_path(std::string_view path) {
  if (path.find('\0') != std::string_view::npos) return false;
  for (;;) {
    const std::size_t slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    if (name.empty() || name == "." || name == "..") return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

// Whether the sysctl is of a namespace that the sandbox gets as its own.
bool belongs_to_sandbox(std::string_view path, const SandboxRequest& request) {
  if (!is_plain_path(path)) return false;
  if (path.starts_with("net/")) return request.new_net;
  if (starts_with_any(path, {"kernel/shm", "kernel/msg", "fs/mqueue/"}) || path == "kernel/sem")
    return request.new_ipc;
  if (path == "kernel/domainname") return request.new_uts;
  return false;
}

const char* stage_text(Stage stage) {
  switch (stage) {
    case Stage::maps:
      return "wait for the user namespace's maps";
    case Stage::cgroup:
      return "join cgroup";
    case Stage::ids:
      return "become root of the user namespace";
    case Stage::hostname:
      return "set hostname ";
    case Stage::loopback:
      return "bring up loopback";
    case Stage::propagation:
      return "make mounts private";
    case Stage::root_mount:
      return "mount an empty root";
    case Stage::proc_mount:
      return "mount /proc";
    case Stage::sysctl:
      return "set sysctl ";
    case Stage::shared_mount:
      return "mount shared memory ";
    case Stage::shared_file:
      return "write ";
    case Stage::pivot:
      return "leave the host's root";
    case Stage::root_seal:
      return "make the root read-only";
    case Stage::session:
      return "start a session";
    case Stage::descriptors:
      return "place descriptors";
    case Stage::exec:
      return "execute pausa-infra";
    case Stage::infra_table:
      return "map the exit table";
    case Stage::infra_events:
      return "wait for events";
    case Stage::infra_privileges:
      return "drop privileges";
    case Stage::infra_seccomp:
      return "load the seccomp filter";
    case Stage::ready:
      break;
  }
  return "reach an unknown stage";
}

}  // namespace

SandboxPlan::SandboxPlan(const SandboxRequest& request) : request_(request) {
  for (const auto& [path, value] : request.sysctls) {
    if (!belongs_to_sandbox(path, request))
      throw sys::Error("sysctl " + path + ": not of a namespace that is the pod's own");
    if (value.find_first_of(std::string_view("\0\n", 2)) != std::string::npos)
      throw sys::Error("sysctl " + path + ": the value must be one line");
  }
  for (const auto& shared : request.tmpfs)
    if (shared.name.find('/') != std::string::npos || !is_plain_path(shared.name))
      throw sys::Error("shared memory " + shared.name + ": not a name");
  for (const auto& [path, text] : request.files)
    if (!is_plain_path(path)) throw sys::Error("file " + path + ": not a plain path");

  // Reserved, so that no path moves after its address was taken.
  paths_.reserve(request.sysctls.size() + request.tmpfs.size() + request.files.size());
  const auto keep = [&](const char* folder, const std::string& path) {
    return paths_.emplace_back(folder + path).c_str();
  };
  for (const auto& [path, value] : request.sysctls)
    sysctls_.push_back({keep("proc/sys/", path), value.data(), value.size()});
  for (const auto& shared : request.tmpfs)
    tmpfs_.push_back({keep("tmpfs/", shared.name), shared.options.c_str(), shared.no_exec});
  for (const auto& [path, text] : request.files)
    files_.push_back({keep("tmpfs/", path), text.data(), text.size()});
  argv_.push_back("pausa-infra");
  if (!request.label.empty()) argv_.push_back(request.label.c_str());
  argv_.push_back(nullptr);
}

EnterPlan SandboxPlan::flat(int report) const {
  EnterPlan plan{};
  plan.report = report;
  plan.exe = request_.infra_exe_fd;
  plan.listener = request_.listen_fd;
  plan.table = request_.table_fd;
  plan.tasks = request_.tasks_fds.data();
  plan.tasks_count = request_.tasks_fds.size();
  plan.hostname = request_.hostname.empty() ? nullptr : request_.hostname.c_str();
  plan.hostname_length = request_.hostname.size();
  plan.sysctls = sysctls_.data();
  plan.sysctls_count = sysctls_.size();
  plan.tmpfs = tmpfs_.data();
  plan.tmpfs_count = tmpfs_.size();
  plan.files = files_.data();
  plan.files_count = files_.size();
  plan.argv = argv_.data();
  plan.new_user = static_cast<bool>(request_.map_users);
  plan.new_net = request_.new_net;
  plan.new_pid = request_.new_pid;
  return plan;
}

sys::Error report_error(const Report& report, const SandboxRequest& request) {
  const Stage stage{report.stage};
  std::string doing = stage_text(stage);
  if (stage == Stage::hostname) doing += request.hostname;
  if (stage == Stage::sysctl && report.detail < request.sysctls.size())
    doing += request.sysctls[report.detail].first;
  if (stage == Stage::shared_mount && report.detail < request.tmpfs.size())
    doing += request.tmpfs[report.detail].name;
  if (stage == Stage::shared_file && report.detail < request.files.size())
    doing += request.files[report.detail].first;
  sys::Error error(report.err, "create infra: " + doing);
  if (stage == Stage::proc_mount && report.err == EPERM)
    error.advise("a new procfs needs a /proc here that nothing is mounted over");
  if (stage == Stage::sysctl && report.err == ENOENT)
    error.advise("this kernel has no such setting in a namespace");
  return error;
}

sys::Error clone_error(int err, const SandboxRequest& request) {
  sys::Error error(err, "create infra: make namespaces");
  if (err == ENOSPC || err == EUSERS)
    error.advise("raise the limits user.max_*_namespaces (sysctl)");
  if (err == EPERM && request.map_users)
    error.advise(
        "user namespaces may be switched off: sysctl kernel.unprivileged_userns_clone, "
        "kernel.apparmor_restrict_unprivileged_userns");
  else if (err == EPERM)
    error.advise("this needs CAP_SYS_ADMIN, or a user namespace");
  if (err == EAGAIN) error.advise("the limit of processes is reached (ulimit -u, pids.max)");
  return error;
}

}  // namespace pausa::infra
