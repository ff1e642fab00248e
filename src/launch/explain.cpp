#include "launch/plan.hpp"
#include "sys/namespace.hpp"

#include <array>
#include <cstdio>
#include <utility>

namespace pausa::launch {
namespace {

std::string namespace_names(std::uint64_t flags, const char* separator) {
  std::string names;
  for (const auto& kind : sys::namespace_kinds)
    if ((flags & static_cast<std::uint64_t>(kind.clone_flag)) != 0)
      names += (names.empty() ? "" : separator) + std::string(kind.name);
  return names;
}

// nsenter(1) and unshare(1) have one option a kind.
std::string namespace_options(std::uint64_t flags) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 8> options{
      {{"mnt", "--mount"},
       {"net", "--net"},
       {"pid", "--pid"},
       {"ipc", "--ipc"},
       {"uts", "--uts"},
       {"user", "--user"},
       {"cgroup", "--cgroup"},
       {"time", "--time"}}};
  std::string text;
  for (const auto& kind : sys::namespace_kinds)
    for (const auto& [name, option] : options)
      if (name == kind.name && (flags & static_cast<std::uint64_t>(kind.clone_flag)) != 0)
        text += " " + std::string(option);
  return text;
}

std::string hex(std::uint64_t bits) {
  std::array<char, 24> buffer{};
  (void)std::snprintf(buffer.data(), buffer.size(), "0x%llx",
                      static_cast<unsigned long long>(bits));
  return buffer.data();
}

// The system call and a shell command that does the same.
std::pair<std::string, std::string> in_words(const Step& step) {
  switch (step.op) {
    case Op::cgroup_tasks:
      return {"write \"0\" to tasks", "echo $$ > $CGROUP/tasks"};
    case Op::unshare:
      return {"unshare(" + namespace_names(step.flags, "|") + ")",
              "unshare" + namespace_options(step.flags)};
    case Op::setns:
      return {"setns(infra, " + namespace_names(step.flags, "|") + ")",
              "nsenter -t $INFRA" + namespace_options(step.flags)};
    case Op::mount:
      return {"mount", rootfs::shell_equivalent(*step.mount)};
    case Op::userns_root:
      return {"setgroups, setresgid, setresuid", "setpriv --reuid 0 --regid 0 --clear-groups"};
    case Op::keyring:
      return {"keyctl(JOIN_SESSION_KEYRING)", "keyctl session"};
    case Op::oom_score:
      return {"write oom_score_adj", std::string("choom -n ") + step.path + " -p $$"};
    case Op::limits:
      return {"setrlimit, umask", "ulimit -n 1024; umask 022"};
    case Op::stdio:
      return {"dup2 × 3", "exec </dev/null >$OUT 2>$ERR"};
    case Op::terminal:
      return {"open ptmx, TIOCGPTPEER, dup2 × 3", "script -c …"};
    case Op::close_fds:
      return {"close_range(4, ~0)", "exec 4>&- 5>&- …"};
    case Op::seccomp:
      return {"seccomp(SET_MODE_FILTER)", "(no shell command: see data/seccomp.json)"};
    case Op::bound_caps:
      return {"prctl(PR_CAPBSET_DROP)", "capsh --drop=all-but:" + hex(step.flags)};
    case Op::hold_caps:
      return {"capset", "capsh --caps=" + hex(step.flags)};
    case Op::fork:
      return {"clone twice", step.flags != 0 ? "unshare --pid --fork" : "( … & )"};
    case Op::wait_go:
      return {"recv", "read < $GO"};
    case Op::session:
      return {"setsid", "setsid"};
    case Op::working_dir:
      return {"chdir", std::string("cd ") + step.path};
    case Op::identity:
      return {"setgroups, setresgid, setresuid", "setpriv --reuid … --regid … --groups …"};
    case Op::no_new_privs:
      return {"prctl(PR_SET_NO_NEW_PRIVS)", "setpriv --no-new-privs"};
    case Op::exec:
      return {"execve", std::string("exec ") + step.list[0]};
  }
  return {};
}

}  // namespace

std::string explain(const std::vector<Step>& steps) {
  std::string text;
  for (const auto& step : steps) {
    const auto [call, shell] = in_words(step);
    text += std::string(step.what) + "\n    " + (call == "mount" ? "" : call + "    ") + "$ " +
            shell + "\n";
  }
  return text;
}

}  // namespace pausa::launch
