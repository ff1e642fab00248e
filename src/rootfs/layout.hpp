// The file tree of one container, as the list of mount steps that builds it. Built by the parent
// without a system call; executed after clone (enter.cpp). The object owns every string that its
// steps point to, and must outlive the launch.
#pragma once

#include "rootfs/mount_step.hpp"

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pausa::rootfs {

// Something bound into the tree. The descriptor is borrowed.
struct Bind {
  std::string target;          // absolute, inside the container
  std::string what;            // for people: "volume data"
  int fd = -1;                 // the source (file or directory); -1: infra_path
  std::string infra_path;      // a tree in infra's mount namespace, for what the whole pod shares
  std::string infra_sub_path;  // inside that tree, made if absent
  // Or an overlay of several directories, the topmost first, of which `part` is taken (empty: all).
  std::vector<std::string> layers;
  std::string part;
  std::string mapped;  // with Request::id_map: there are directories of this name and a number
  bool file = false;
  bool read_only = false;
  bool shallow_read_only = false;  // of the topmost mount alone; else of those below it, too
  bool recursive = false;
  bool own_ids = false;  // its files belong to the pod's ids already
  bool no_exec = false;
  bool devices = false;           // device nodes work in it: the source is one
  std::uint64_t propagation = 0;  // MS_PRIVATE if 0
};

// A device of the machine, or a directory of them.
struct DeviceNode {
  std::string path;  // below /dev
  mode_t mode = 0;   // with its type
  dev_t device = 0;
};

struct Request {
  // Either an overlay of lower directories (topmost first) and a private upper, or one directory.
  std::vector<std::string> lower;
  std::string upper;  // both empty: the lower directory is the tree, read-only
  std::string work;
  bool read_only_root = false;
  bool no_suid = false;  // with no_new_privs
  // We are not root on the host, or will not be: devices are bound, not made.
  bool user_namespace = false;
  // A user namespace that we join on the way, being root on the host still (hostUsers: false). What
  // comes from the host appears in it with its ids mapped; the upper layer must belong to its root.
  int id_map = -1;
  std::string mapped;     // a folder with one directory "lowerN" for each lower one, to mount it at
  bool own_proc = false;  // a nested PID namespace: its /proc is made by the member itself
  bool privileged = false;          // no masks, /sys writable
  bool cgroup2 = false;             // /sys/fs/cgroup can show the unified tree
  bool bind_sys = false;            // no sysfs of our own (rootless on the host's network)
  int host_sys = -1;                // the host's /sys, with bind_sys
  std::optional<unsigned> tty_gid;  // gid of ptys; absent: not mapped here
  std::vector<std::pair<std::string, int>> host_devices;  // name, detached mount; user_namespace
  std::vector<DeviceNode> more_devices;  // made beside the usual ones; not in a user_namespace
  std::vector<std::string> masked_paths;
  std::vector<std::string> read_only_paths;
  std::vector<Bind> binds;  // hosts, hostname, volumes…, in the order of mounting
  std::string working_dir;  // made if absent; empty: nothing
  // What the image wants to be there, in its own files: made if absent, where that can be.
  std::vector<std::string> folders;
};

class Layout {
 public:
  explicit Layout(const Request& request);
  Layout(const Layout&) = delete;
  Layout& operator=(const Layout&) = delete;

  // Steps in the host's (or the supervisor's) mount namespace: detached mounts.
  const std::vector<MountStep>& prepare() const { return prepare_; }
  // Steps in infra's copy, up to and with pivot_root.
  const std::vector<MountStep>& attach() const { return attach_; }
  // Steps on the new root.
  const std::vector<MountStep>& finish() const { return finish_; }
  // Steps of the member itself, inside its own PID namespace (only with own_proc).
  const std::vector<MountStep>& member() const { return member_; }
  int slots() const { return slots_; }

 private:
  const char* keep(std::string text);
  const char* const* keep_options(std::vector<std::string> options);
  // Where the file systems go that need not see the host.
  std::vector<MountStep>& inner() { return id_map_ >= 0 ? attach_ : prepare_; }
  int add_filesystem(std::vector<MountStep>& steps, std::string_view type,
                     std::vector<std::string> options, std::uint64_t attributes, std::string what);
  void attach_slot(int slot, const std::string& target, bool file, std::string what);

  void plan_parts(const Request& request);
  void plan_root(const Request& request);
  void plan_layered(const Request& request);
  void add_mapped(const Request& request, const std::string& from, const std::string& to);
  void attach_root();
  void plan_mapped_layers(const Request& request);
  void plan_dev(const Request& request);
  void plan_kernel_trees(const Request& request);
  void plan_binds(const Request& request);
  void plan_masks(const Request& request);

  std::deque<std::string> strings_;
  std::deque<std::vector<const char*>> option_lists_;
  std::vector<MountStep> prepare_;
  std::vector<MountStep> attach_;
  std::vector<MountStep> finish_;
  std::vector<MountStep> member_;
  int slots_ = 1;  // slot 0 is the rootfs
  int id_map_ = -1;
  std::vector<int> layered_;  // the slots of the binds that are overlays, in their order
};

// One shell command that does the same as the step, for `--explain`.
std::string shell_equivalent(const MountStep& step);

}  // namespace pausa::rootfs
