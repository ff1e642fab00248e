#include "rootfs/layout.hpp"

#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <array>

namespace pausa::rootfs {
namespace {

constexpr std::uint64_t locked_down = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

struct Device {
  const char* name;
  unsigned major, minor;
};
constexpr std::array devices{Device{"null", 1, 3},   Device{"zero", 1, 5},    Device{"full", 1, 7},
                             Device{"random", 1, 8}, Device{"urandom", 1, 9}, Device{"tty", 5, 0}};

struct Link {
  const char *name, *target;
};
constexpr std::array links{Link{"fd", "/proc/self/fd"},       Link{"stdin", "/proc/self/fd/0"},
                           Link{"stdout", "/proc/self/fd/1"}, Link{"stderr", "/proc/self/fd/2"},
                           Link{"ptmx", "pts/ptmx"},          Link{"core", "/proc/kcore"}};

}  // namespace

Layout::Layout(const Request& request) : id_map_(request.id_map) {
  plan_parts(request);
  attach_root();
  // Before all else is attached: an image makes nothing in what the manifest mounts.
  for (const auto& folder : request.folders) {
    MountStep step;
    step.op = MountOp::make_path;
    step.may_fail = true;
    step.path = keep(folder);
    step.what = keep("make the image's volume " + folder);
    attach_.push_back(step);
  }
  plan_dev(request);
  plan_kernel_trees(request);
  plan_binds(request);
  // Last, since it may leave the mount namespace in which the sources of the binds can be copied.
  plan_root(request);
  if (!request.working_dir.empty() && request.working_dir != "/") {
    MountStep step;
    step.op = MountOp::make_path;
    step.path = keep(request.working_dir);
    step.what = keep("make working directory " + request.working_dir);
    attach_.push_back(step);
  }
  MountStep pivot;
  pivot.op = MountOp::pivot;
  pivot.what = "change the root (pivot_root)";
  attach_.push_back(pivot);
  if (request.user_namespace) {
    for (const auto& [name, fd] : request.host_devices) {
      MountStep step;
      step.op = MountOp::bind_device;
      step.fd = fd;
      step.path = keep("/dev/" + name);
      step.what = keep("bind the host's /dev/" + name);
      finish_.push_back(step);
    }
  }
  plan_masks(request);
  if (request.read_only_root) {
    MountStep seal;
    seal.op = MountOp::seal_root;
    seal.path = "/";
    seal.what = "make the root read-only";
    finish_.push_back(seal);
  }
}

const char* Layout::keep(std::string text) {
  return strings_.emplace_back(std::move(text)).c_str();
}

const char* const* Layout::keep_options(std::vector<std::string> options) {
  auto& list = option_lists_.emplace_back();
  for (auto& option : options) list.push_back(keep(std::move(option)));
  // A flag has the value "" here and nullptr there (fsconfig(2): FSCONFIG_SET_FLAG).
  for (std::size_t i = 1; i < list.size(); i += 2)
    if (*list[i] == '\0') list[i] = nullptr;
  list.push_back(nullptr);
  list.push_back(nullptr);
  return list.data();
}

int Layout::add_filesystem(std::vector<MountStep>& steps, std::string_view type,
                           std::vector<std::string> options, std::uint64_t attributes,
                           std::string what) {
  MountStep step;
  step.op = MountOp::filesystem;
  step.slot = slots_++;
  step.text = keep(std::string(type));
  step.options = keep_options(std::move(options));
  step.attributes = attributes;
  step.what = keep(std::move(what));
  steps.push_back(step);
  return step.slot;
}

void Layout::attach_slot(int slot, const std::string& target, bool file, std::string what) {
  MountStep step;
  step.op = MountOp::attach;
  step.slot = slot;
  step.file = file;
  step.path = keep(target);
  step.what = keep(std::move(what));
  attach_.push_back(step);
}

// The upper layer needs no map: it is this instance's own, and belongs to the mapped root on disk.
// (The overlay works in it as root of the host, whom a map of the pod's ids does not know.)
void Layout::plan_mapped_layers(const Request& request) {
  MountStep own;
  own.op = MountOp::own_table;
  own.what = "own mount namespace, to map the ids of the image's layers in";
  prepare_.push_back(own);
  for (std::size_t i = 0; i < request.lower.size(); ++i)
    add_mapped(request, request.lower[i], request.mapped + "/lower" + std::to_string(i));
  for (const auto& bind : request.binds)
    for (std::size_t i = 0; i < bind.layers.size(); ++i)
      add_mapped(request, bind.layers[i], bind.mapped + std::to_string(i));
}

void Layout::add_mapped(const Request& request, const std::string& from, const std::string& to) {
  MountStep step;
  step.op = MountOp::mapped_tree;
  step.id_map = request.id_map;
  step.text = keep(from);
  step.path = keep(to);
  step.what = keep("map the ids of " + from);
  prepare_.push_back(step);
}

// The place of the root is free as long as it is not attached: there a part of a mount is taken.
void Layout::plan_parts(const Request& request) {
  for (const auto& bind : request.binds) {
    if (bind.layers.empty()) continue;
    layered_.push_back(slots_++);
    if (bind.part.empty()) continue;
    MountStep step;
    step.op = MountOp::part;
    step.slot = layered_.back();
    step.path = keep(bind.part);
    step.what = keep("take subPath " + bind.part + " of " + bind.what);
    attach_.push_back(step);
  }
}

void Layout::plan_layered(const Request& request) {
  std::size_t count = 0;
  for (const auto& bind : request.binds) {
    if (bind.layers.empty()) continue;
    MountStep step;
    step.op = MountOp::overlay;
    step.slot = layered_[count++];
    std::vector<const char*> layers;
    for (std::size_t i = 0; i < bind.layers.size(); ++i)
      layers.push_back(
          keep(request.id_map >= 0 ? bind.mapped + std::to_string(i) : bind.layers[i]));
    layers.push_back(nullptr);
    step.layers = option_lists_.emplace_back(std::move(layers)).data();
    std::vector<std::string> options;
    if (request.user_namespace && request.id_map < 0) options = {"userxattr", ""};
    step.options = keep_options(std::move(options));
    step.attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    step.what = keep("stack the layers of " + bind.what);
    prepare_.push_back(step);
  }
}

void Layout::plan_root(const Request& request) {
  if (request.id_map >= 0) plan_mapped_layers(request);
  MountStep root;
  root.slot = 0;
  root.attributes = MOUNT_ATTR_NODEV;
  if (request.no_suid) root.attributes |= MOUNT_ATTR_NOSUID;
  root.op = MountOp::overlay;
  std::vector<const char*> layers;
  for (std::size_t i = 0; i < request.lower.size(); ++i)
    layers.push_back(keep(request.id_map >= 0 ? request.mapped + "/lower" + std::to_string(i)
                                              : request.lower[i]));
  layers.push_back(nullptr);
  root.layers = option_lists_.emplace_back(std::move(layers)).data();
  std::vector<std::string> options;
  if (!request.upper.empty()) {
    options = {"upperdir", request.upper, "workdir", request.work};
    // Without it the last umount syncs the whole upper file system (up to 20 ms measured); the
    // upper is thrown away anyway (kernel 5.10).
    options.insert(options.end(), {"volatile", ""});
  }
  if (request.user_namespace && request.id_map < 0)
    options.insert(options.end(), {"userxattr", ""});
  root.options = keep_options(std::move(options));
  root.what = "mount the root file system (overlay)";
  prepare_.push_back(root);
  plan_layered(request);
}

void Layout::attach_root() {
  MountStep attach;
  attach.op = MountOp::attach_root;
  attach.slot = 0;
  attach.path = "/root";
  attach.what = "attach the root file system";
  attach_.push_back(attach);
}

void Layout::plan_dev(const Request& request) {
  const int dev = add_filesystem(inner(), "tmpfs", {"mode", "755", "size", "64m"},
                                 MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, "make a private /dev");
  MountStep step;
  step.slot = dev;
  if (!request.user_namespace) {
    for (const auto& device : devices) {
      step.op = MountOp::node;
      step.path = device.name;
      step.mode = S_IFCHR | 0666;
      step.device = makedev(device.major, device.minor);
      step.what = keep(std::string("make device /dev/") + device.name);
      inner().push_back(step);
    }
  }
  for (const auto& device : request.more_devices) {
    step.op = S_ISDIR(device.mode) ? MountOp::directory : MountOp::node;
    step.path = keep(device.path);
    step.mode = S_ISDIR(device.mode) ? 0755 : device.mode;
    step.device = device.device;
    step.what = keep("make the machine's /dev/" + device.path);
    inner().push_back(step);
  }
  for (const auto& link : links) {
    step.op = MountOp::link;
    step.path = link.name;
    step.text = link.target;
    step.what = keep(std::string("make link /dev/") + link.name);
    inner().push_back(step);
  }
  for (const char* name : {"pts", "shm", "mqueue"}) {
    step.op = MountOp::directory;
    step.path = name;
    step.mode = 0755;
    step.what = keep(std::string("make directory /dev/") + name);
    inner().push_back(step);
  }
  attach_slot(dev, "/dev", false, "attach /dev");

  std::vector<std::string> pts{"newinstance", "", "ptmxmode", "0666", "mode", "0620"};
  if (request.tty_gid) pts.insert(pts.end(), {"gid", std::to_string(*request.tty_gid)});
  attach_slot(
      add_filesystem(inner(), "devpts", std::move(pts), MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
                     "make private terminals (devpts)"),
      "/dev/pts", false, "attach /dev/pts");
  attach_slot(
      add_filesystem(inner(), "mqueue", {}, locked_down, "make the pod's message queues (mqueue)"),
      "/dev/mqueue", false, "attach /dev/mqueue");
}

void Layout::plan_kernel_trees(const Request& request) {
  const std::uint64_t sys_attributes =
      locked_down | (request.privileged ? 0 : std::uint64_t{MOUNT_ATTR_RDONLY});
  if (request.bind_sys) {
    MountStep step;
    step.op = MountOp::bind;
    step.slot = slots_++;
    step.fd = request.host_sys;
    step.recursive = true;
    step.attributes = sys_attributes;
    step.propagation = MS_PRIVATE;
    step.text = "/sys";
    step.what = "copy the host's /sys";
    prepare_.push_back(step);
    attach_slot(step.slot, "/sys", false, "attach /sys");
  } else {
    // Where one can be seen already: a user namespace mounts it only there (mount_too_revealing).
    attach_slot(
        add_filesystem(prepare_, "sysfs", {}, sys_attributes, "make /sys of the pod's network"),
        "/sys", false, "attach /sys");
    if (request.cgroup2)
      attach_slot(add_filesystem(prepare_, "cgroup2", {}, sys_attributes,
                                 "make the container's cgroup tree"),
                  "/sys/fs/cgroup", false, "attach /sys/fs/cgroup");
  }
  // With a nested PID namespace too: the kernel lets a user namespace mount a new proc only where
  // it sees a whole one already (mount_too_revealing, fs/namespace.c).
  MountStep proc;
  proc.op = MountOp::infra_tree;
  proc.slot = slots_++;
  proc.text = "/proc";
  proc.attributes = locked_down;
  proc.what = "take the pod's /proc from infra";
  attach_.push_back(proc);
  attach_slot(proc.slot, "/proc", false, "attach /proc");
}

void Layout::plan_binds(const Request& request) {
  std::size_t layered = 0;
  for (const auto& bind : request.binds) {
    if (!bind.layers.empty()) {
      attach_slot(layered_[layered++], bind.target, bind.file,
                  "mount " + bind.what + " at " + bind.target);
      continue;
    }
    MountStep step;
    step.slot = slots_++;
    step.recursive = bind.recursive;
    step.attributes = MOUNT_ATTR_NOSUID;
    if (!bind.devices) step.attributes |= MOUNT_ATTR_NODEV;
    if (bind.no_exec) step.attributes |= MOUNT_ATTR_NOEXEC;
    if (bind.read_only)
      (bind.shallow_read_only ? step.top_attributes : step.attributes) |= MOUNT_ATTR_RDONLY;
    step.propagation = bind.propagation != 0 ? bind.propagation : std::uint64_t{MS_PRIVATE};
    step.what = keep("take " + bind.what);
    step.text = keep(bind.infra_path.empty() ? bind.what : bind.infra_path);
    step.fd = bind.fd;
    if (bind.fd >= 0) {
      step.op = MountOp::bind;
      // A device has no contents to own, and most of them are where ids cannot be mapped.
      if (!bind.devices && !bind.own_ids) step.id_map = request.id_map;
      prepare_.push_back(step);
    } else {
      step.op = MountOp::infra_tree;
      if (!bind.infra_sub_path.empty()) step.path = keep("/" + bind.infra_sub_path);
      attach_.push_back(step);
    }
    attach_slot(step.slot, bind.target, bind.file, "mount " + bind.what + " at " + bind.target);
  }
}

void Layout::plan_masks(const Request& request) {
  auto& steps = request.own_proc ? member_ : finish_;
  MountStep step;
  if (request.own_proc) {
    step.op = MountOp::own_proc;
    step.path = "/proc";
    step.attributes = locked_down;
    step.what = "mount /proc of the container's own PID namespace";
    steps.push_back(step);
  }
  const auto add = [&](MountOp op, const std::string& path, const char* verb) {
    step.op = op;
    step.path = keep(path);
    step.what = keep(std::string(verb) + path);
    steps.push_back(step);
  };
  for (const auto& path : request.masked_paths) add(MountOp::mask, path, "mask ");
  for (const auto& path : request.read_only_paths) add(MountOp::read_only, path, "protect ");
}

}  // namespace pausa::rootfs
