#include "cli/checkup.hpp"

#include "cgroup/hierarchy.hpp"
#include "image/image.hpp"
#include "net/bridge.hpp"
#include "net/probe.hpp"
#include "security/idmap.hpp"
#include "supervisor/host.hpp"
#include "supervisor/pod_network.hpp"
#include "sys/error.hpp"
#include "sys/namespace.hpp"
#include "sys/path.hpp"
#include "sys/probe.hpp"
#include "sys/process.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cstring>
#include <optional>

namespace pausa::cli {
namespace {

using Level = Finding::Level;

constexpr int needed_major = 5;
constexpr int needed_minor = 14;

// The nearest folder above that exists.
std::string existing(std::string path) {
  while (path.size() > 1 && ::access(path.c_str(), F_OK) != 0)
    path = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
  return path;
}

// A folder that is gone with its owner.
class TrialFolder {
 public:
  explicit TrialFolder(const std::string& below) : path_(below + "/.pausa-doctor-XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) sys::check(-1, "make a folder in ", below);
  }
  ~TrialFolder() {
    try {
      sys::remove_tree_at(AT_FDCWD, path_);
    } catch (const sys::Error&) {
      // Nothing that could be done better.
    }
  }
  TrialFolder(const TrialFolder&) = delete;
  TrialFolder& operator=(const TrialFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::optional<std::string> setting(const std::string& name) {
  auto text = sys::read_file_at(AT_FDCWD, "/proc/sys/" + name, 4096);
  if (text)
    while (!text->empty() && text->back() == '\n') text->pop_back();
  return text;
}

std::string user_namespace_fix() {
  if (setting("user/max_user_namespaces") == "0") return "sysctl -w user.max_user_namespaces=15000";
  if (setting("kernel/unprivileged_userns_clone") == "0")
    return "sysctl -w kernel.unprivileged_userns_clone=1";
  if (setting("kernel/apparmor_restrict_unprivileged_userns") == "1")
    return "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0";
  return "run on a machine, or in a container, that allows unshare(CLONE_NEWUSER)";
}

class Checkup {
 public:
  explicit Checkup(const state::Paths& paths) : paths_(paths), root_(::geteuid() == 0) {}

  std::vector<Finding> run() {
    kernel();
    namespaces();
    kernel_parts();
    files();
    control_groups();
    ids();
    capabilities();
    programs();
    network();
    return std::move(findings_);
  }

 private:
  void add(Level level, std::string subject, std::string text, std::string fix = {}) {
    findings_.push_back({level, std::move(subject), std::move(text), std::move(fix)});
  }

  // err: an errno, 0 for success.
  void tried(int err, Level level, const std::string& subject, const std::string& good,
             const std::string& fix) {
    if (err == 0)
      add(Level::ok, subject, good);
    else
      add(level, subject, std::strerror(err), fix);
  }

  void kernel() {
    const auto version = sys::kernel_version();
    const std::string text =
        "Linux " + std::to_string(version.first) + "." + std::to_string(version.second);
    if (version >= std::pair(needed_major, needed_minor))
      add(Level::ok, "kernel", text);
    else
      add(Level::blocked, "kernel", text + " is too old", "boot Linux 5.14 or later");
  }

  void namespaces() {
    for (const auto& kind : sys::namespace_kinds) {
      const std::string name(kind.name);
      const int err = sys::probe_namespace(kind.clone_flag, !root_);
      if (name == "user") {
        tried(err, root_ ? Level::warning : Level::blocked, "namespace user",
              root_ ? "can be made (hostUsers: false)" : "can be made without privileges",
              user_namespace_fix());
      } else {
        tried(err, name == "time" ? Level::warning : Level::blocked, "namespace " + name,
              "can be made",
              root_ ? "run pausa with CAP_SYS_ADMIN, on a kernel built with CONFIG_" +
                          std::string(kernel_option(name))
                    : user_namespace_fix());
      }
    }
  }

  static std::string_view kernel_option(std::string_view kind) {
    if (kind == "mnt") return "NAMESPACES";
    if (kind == "net") return "NET_NS";
    if (kind == "pid") return "PID_NS";
    if (kind == "ipc") return "IPC_NS";
    if (kind == "uts") return "UTS_NS";
    if (kind == "cgroup") return "CGROUPS";
    return "TIME_NS";
  }

  void kernel_parts() {
    tried(sys::probe_mount_api(!root_), Level::blocked, "mounts",
          "fsopen, fsmount and mount_setattr work",
          "boot Linux 5.14 or later; in a container, allow these calls in its seccomp profile");
    tried(sys::probe_pidfd(), Level::blocked, "pidfd", "processes can be held by handle",
          "boot Linux 5.14 or later; in a container, allow pidfd_open in its seccomp profile");
    tried(sys::probe_seccomp(), Level::blocked, "seccomp", "filters can be set",
          "boot a kernel built with CONFIG_SECCOMP_FILTER");
  }

  void files() {
    const std::string data = existing(paths_.root);
    try {
      const TrialFolder folder(data);
      tried(sys::probe_overlay(folder.path(), !root_), Level::blocked, "overlay",
            "can be mounted with its writable layer in " + data,
            "set PAUSA_ROOT to a folder on ext4, xfs, btrfs or tmpfs, and load the module: "
            "modprobe overlay");
      try {
        const auto image = image::resolve("busybox", image::Store(folder.path()));
        add(Level::ok, "busybox", image.description);
      } catch (const sys::Error& error) {
        add(Level::warning, "busybox", error.what(), "apt install busybox-static");
      }
    } catch (const sys::Error& error) {
      add(Level::blocked, "data folder", error.what(),
          "set PAUSA_ROOT to a folder that you can write to");
    }
    const std::string run = existing(paths_.run_root);
    struct statfs about {};
    if (::access(run.c_str(), W_OK) != 0)
      add(Level::blocked, "run folder", run + ": " + std::strerror(errno),
          "set XDG_RUNTIME_DIR or PAUSA_RUNROOT to a folder that you can write to");
    else if (::statfs(run.c_str(), &about) == 0 && about.f_type != TMPFS_MAGIC)
      add(Level::note, "run folder", run + " is on a disk: pods start more slowly",
          "set PAUSA_RUNROOT to a folder on tmpfs");
    else
      add(Level::ok, "run folder", run + " is in memory");
    try {
      (void)supervisor::Host::probe();
      add(Level::ok, "own programs", "pausa-infra and pausa-guard are in place");
    } catch (const sys::Error& error) {
      add(Level::blocked, "own programs", error.what(), "install pausa as a whole");
    }
  }

  void control_groups() {
    const auto cgroups = cgroup::Hierarchy::detect();
    switch (cgroups.mode()) {
      case cgroup::Mode::none:
        add(Level::warning, "cgroups", "none are mounted that pausa could use",
            "mount -t cgroup2 none /sys/fs/cgroup");
        return;
      case cgroup::Mode::v1:
        add(Level::ok, "cgroups", "version 1");
        break;
      case cgroup::Mode::v2:
        add(Level::ok, "cgroups", "version 2");
        break;
      case cgroup::Mode::hybrid:
        add(Level::ok, "cgroups", "hybrid: limits on version 1, tracking on version 2");
        break;
    }
    struct Part {
      const char* name;
      cgroup::Controller controller;
    };
    for (const auto& [name, controller] :
         {Part{"memory", cgroup::Controller::memory}, Part{"cpu", cgroup::Controller::cpu},
          Part{"pids", cgroup::Controller::pids}}) {
      const std::string subject = "limits of " + std::string(name);
      if (cgroups.has(controller))
        add(Level::ok, subject, "can be set");
      else
        add(Level::warning, subject, "the controller is not there, or not ours",
            root_ ? "boot with cgroup_enable=" + std::string(name)
                  : "systemctl edit user@.service, and add: [Service] Delegate=cpu memory pids");
    }
  }

  void ids() {
    if (root_) return;
    const auto maps = security::rootless_maps();
    const auto count = security::ids_from_zero(maps.uids);
    if (count > 1) {
      add(Level::ok, "user ids", std::to_string(count) + " can be used in a pod");
      return;
    }
    const bool helper = !sys::find_program("newuidmap").empty();
    add(Level::warning, "user ids", "only root can be used in a pod",
        helper ? "as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER"
               : "apt install uidmap");
  }

  void capabilities() {
    if (!root_ || sys::have_capability(CAP_SYS_RESOURCE))
      add(Level::ok, "resources", root_ ? "CAP_SYS_RESOURCE is there" : "as the user's limits say");
    else
      add(Level::note, "resources",
          "without CAP_SYS_RESOURCE rlimits cannot be raised, nor oom_score_adj lowered",
          "run pausa with CAP_SYS_RESOURCE");
  }

  void programs() {
    struct Program {
      const char* name;
      const char* what_for;
      const char* package;
    };
    for (const auto& program :
         {Program{"nft", "the way of bridged pods out of this machine", "nftables"},
          Program{"pasta", "a network of their own for rootless pods", "passt"}}) {
      const auto path = sys::find_program(program.name);
      if (path.empty())
        add(Level::note, program.name, std::string("not installed; needed for ") + program.what_for,
            std::string("apt install ") + program.package);
      else
        add(Level::ok, program.name, path);
    }
  }

  // Without one of these pods have less of a network and a note, or fail if they ask for it.
  void network() {
    tried(net::probe_bridge(!root_), Level::warning, "bridge", "can be made",
          root_ ? "modprobe bridge" : "as root: modprobe bridge");
    tried(net::probe_veth(!root_), Level::warning, "veth", "pairs of interfaces can be made",
          root_ ? "modprobe veth" : "as root: modprobe veth");
    if (!sys::find_program("nft").empty()) {
      const int err = net::probe_rules(!root_);
      tried(err, Level::warning, "nf_tables", "takes the rules of bridges and ports",
            std::string(root_ ? "" : "as root: ") +
                "modprobe -a nf_tables nft_chain_nat nft_masq nft_nat nft_fib_inet nft_ct");
      if (err == 0)
        tried(net::probe_policies(!root_), Level::warning, "nf_tables bridge",
              "takes the rules of NetworkPolicies",
              "boot a kernel built with CONFIG_NF_TABLES_BRIDGE");
    }
    if (net::has_ipv6())
      add(Level::ok, "IPv6", "pods have addresses of both families");
    else
      add(Level::note, "IPv6", "is off: pods have IPv4 only",
          std::string(root_ ? "" : "as root: ") +
              "sysctl -w net.ipv6.conf.default.disable_ipv6=0 (boot without ipv6.disable=1)");
    if (root_) return bridges();
    if (::access("/dev/net/tun", R_OK | W_OK) != 0)
      add(Level::note, "tun device",
          "/dev/net/tun cannot be opened; pasta needs it: pods have a loopback only",
          "as root: chmod 666 /dev/net/tun (modprobe tun)");
    else
      add(Level::ok, "tun device", "/dev/net/tun can be opened");
  }

  // Of what is here already: a user's networks are in a namespace of their own.
  void bridges() {
    try {
      const auto usual = supervisor::bridge_config(paths_);
      check_bridge(usual);
      for (const auto& name : net::known_bridges(usual.folder))
        if (name != usual.name) check_bridge({name, usual.folder, std::nullopt, true});
    } catch (const sys::Error& error) {
      add(Level::warning, "network", error.what());
    }
  }

  void check_bridge(const net::BridgeConfig& config) {
    const auto fault = net::bridge_fault(config);
    add(fault.empty() ? Level::ok : Level::warning, config.name,
        fault.empty() ? "its name and range are free for pods" : fault);
  }

  const state::Paths& paths_;
  bool root_;
  std::vector<Finding> findings_;
};

}  // namespace

const char* level_name(Level level) {
  switch (level) {
    case Level::ok:
      return "ok";
    case Level::note:
      return "note";
    case Level::warning:
      return "warning";
    case Level::blocked:
      return "blocked";
  }
  return "";
}

std::vector<Finding> check_machine(const state::Paths& paths) {
  return Checkup(paths).run();
}

}  // namespace pausa::cli
