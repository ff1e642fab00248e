// The making of a sandbox in words: the steps of enter.cpp in their order, out of the request that
// they are executed from.
#include "infra/sandbox.hpp"

namespace pausa::infra {
namespace {

class Story {
 public:
  void step(std::string_view what, std::string_view call, std::string_view shell) {
    text_.append(what).append("\n    ").append(call).append("    $ ").append(shell).append("\n");
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

void tell_clone(Story& story, const SandboxRequest& request) {
  std::string flags = "CLONE_NEWNS";
  std::string options = "--mount";
  const auto add = [&](bool wanted, const char* flag, const char* option) {
    if (!wanted) return;
    flags += std::string("|") + flag;
    options += std::string(" ") + option;
  };
  add(request.new_pid, "CLONE_NEWPID", "--pid --fork");
  add(request.new_net, "CLONE_NEWNET", "--net");
  add(request.new_ipc, "CLONE_NEWIPC", "--ipc");
  add(request.new_uts, "CLONE_NEWUTS", "--uts");
  add(static_cast<bool>(request.map_users), "CLONE_NEWUSER", "--user");
  story.step("make infra, process 1 of the pod, in new namespaces",
             "clone3(" + flags + (request.cgroup_fd >= 0 ? "|CLONE_INTO_CGROUP)" : ")"),
             "unshare " + options);
}

}  // namespace

std::string explain(const SandboxRequest& request) {
  Story story;
  if (request.time_offsets)
    story.step("set the pod's clocks", "unshare(CLONE_NEWTIME), write timens_offsets",
               "unshare --time --monotonic … --boottime …");
  tell_clone(story, request);
  for (std::size_t i = 0; i < request.tasks_fds.size(); ++i)
    story.step("enter infra's cgroup", "write \"0\" to tasks", "echo $$ > $CGROUP/tasks");
  if (request.map_users)
    story.step("map the users of the pod to users of the host",
               "write uid_map, gid_map; setresgid, setresuid",
               "newuidmap $INFRA 0 … ; newgidmap $INFRA 0 …");
  if (!request.hostname.empty())
    story.step("name the pod", "sethostname", "hostname " + request.hostname);
  if (request.new_net) {
    story.step("bring up loopback", "ioctl(SIOCSIFFLAGS)", "ip link set lo up");
    story.step("let loopback take large segments, where the kernel can", "netlink(RTM_SETLINK)",
               "ip link set lo gso_max_size 524280 gso_ipv4_max_size 524280");
  }
  story.step("make an empty root", "fsopen(tmpfs), fsmount, move_mount",
             "mount -t tmpfs -o size=4k,nosuid,nodev,noexec pausa $ROOT");
  story.step("show the pod's processes", "mount",
             "mount -t proc -o nosuid,nodev,noexec proc $ROOT/proc");
  for (const auto& tree : request.tmpfs)
    story.step("make shared memory \"" + tree.name + "\"", "mount",
               "mount -t tmpfs -o nosuid,nodev" + std::string(tree.no_exec ? ",noexec" : "") +
                   (tree.options.empty() ? "" : ",") + tree.options + " tmpfs $ROOT/tmpfs/" +
                   tree.name);
  for (const auto& [path, text] : request.files)
    story.step("write " + path, "open, write", "cat > $ROOT/tmpfs/" + path);
  for (const auto& [path, value] : request.sysctls)
    story.step("set sysctl " + path, "open, write",
               "echo \"" + value + "\" > $ROOT/proc/sys/" + path);
  story.step("leave the host's files behind", "pivot_root, umount2(MNT_DETACH), mount(MS_RDONLY)",
             "cd $ROOT && pivot_root . . && umount -l . && mount -o remount,ro /");
  story.step("own session", "setsid", "setsid");
  story.step("become infra", "execveat, then no capabilities, seccomp, PR_SET_DUMPABLE 0",
             "exec pausa-infra " + request.label);
  return story.take();
}

}  // namespace pausa::infra
