#include "supervisor/member_tree.hpp"

#include "supervisor/last_words.hpp"
#include "supervisor/machine_devices.hpp"
#include "supervisor/user_namespace.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace pausa::supervisor {
namespace {

constexpr std::size_t most_image_volumes = 64;

// The overlay's private part: a folder of this instance alone.
void make_upper(const std::string& rootfs_dir, std::uint32_t id_base, rootfs::Request& request) {
  const sys::UniqueFd dir = sys::make_dirs_at(AT_FDCWD, rootfs_dir, 0700);
  sys::check(::mkdirat(dir.get(), "upper", 0755), "make ", rootfs_dir, "/upper");
  sys::check(::mkdirat(dir.get(), "work", 0700), "make ", rootfs_dir, "/work");
  if (id_base != 0)
    sys::check(::fchownat(dir.get(), "upper", id_base, id_base, AT_SYMLINK_NOFOLLOW), "give ",
               rootfs_dir, "/upper to user ", id_base);
  request.upper = rootfs_dir + "/upper";
  request.work = rootfs_dir + "/work";
}

// What the tree of a container in a user namespace takes from the host.
void fit_into_user_namespace(const PodContext& context, const std::string& rootfs_dir,
                             Mounts& mounts, rootfs::Request& tree) {
  if (!context.user_namespace) return;
  tree.user_namespace = true;
  for (auto& [name, fd] : open_host_devices()) {
    tree.host_devices.emplace_back(name, fd.get());
    mounts.sources.push_back(std::move(fd));
  }
  if ((context.namespaces & CLONE_NEWUSER) != 0) {
    mounts.sources.push_back(open_user_namespace(context.infra_pidfd));
    tree.id_map = mounts.sources.back().get();
    tree.mapped = rootfs_dir;
    const sys::UniqueFd dir = sys::open_dir(rootfs_dir);
    for (std::size_t i = 0; i < tree.lower.size(); ++i)
      (void)sys::make_dirs_at(dir.get(), "lower" + std::to_string(i), 0700);
    for (std::size_t n = 0; n < mounts.binds.size(); ++n) {
      auto& bind = mounts.binds[n];
      const std::string name = "volume" + std::to_string(n) + ".";
      bind.mapped = rootfs_dir + "/" + name;
      for (std::size_t i = 0; i < bind.layers.size(); ++i)
        (void)sys::make_dirs_at(dir.get(), name + std::to_string(i), 0700);
    }
  } else if (context.pod.spec.host_network) {
    // Only the owner of a network may make a sysfs of it.
    mounts.sources.push_back(sys::open_at(AT_FDCWD, "/sys", O_PATH));
    tree.bind_sys = true;
    tree.host_sys = mounts.sources.back().get();
  }
}

// At what is mounted, or in it.
bool is_in_mount(const std::vector<rootfs::Bind>& binds, const std::string& path) {
  return std::any_of(binds.begin(), binds.end(), [&path](const rootfs::Bind& bind) {
    return path == bind.target || path.starts_with(bind.target + "/");
  });
}

bool mounts_at(const std::vector<rootfs::Bind>& binds, const std::string& target) {
  return std::any_of(binds.begin(), binds.end(),
                     [&](const rootfs::Bind& bind) { return bind.target == target; });
}

// /etc/hosts and its like, unless the container mounts its own there (as the kubelet does it).
void add_pod_files(const PodContext& context, const std::vector<rootfs::Bind>& volumes,
                   std::vector<rootfs::Bind>& binds) {
  for (const char* name : {"hosts", "hostname", "resolv.conf"}) {
    rootfs::Bind bind;
    bind.target = std::string("/etc/") + name;
    if (mounts_at(volumes, bind.target)) continue;
    bind.what = std::string("the pod's ") + name;
    bind.infra_path = std::string("/tmpfs/etc/") + name;
    bind.file = true;
    binds.push_back(std::move(bind));
  }
  if (!context.pod.spec.host_ipc && !mounts_at(volumes, "/dev/shm")) {
    rootfs::Bind shm;
    shm.target = "/dev/shm";
    shm.what = "the pod's shared memory";
    shm.infra_path = "/tmpfs/shm";
    binds.push_back(std::move(shm));
  }
}

// Where the container may say why it ends, unless a volume has the place.
void add_message_file(const pod::Container& container, const std::string& rootfs_dir,
                      Mounts& mounts) {
  const std::string& path = container.termination_message_path;
  if (path.empty() || mounts_at(mounts.binds, path)) return;
  rootfs::Bind bind;
  bind.target = path.front() == '/' ? path : "/" + path;
  bind.what = "the termination message";
  bind.file = true;
  mounts.sources.push_back(make_message_file(rootfs_dir));
  bind.fd = mounts.sources.back().get();
  mounts.binds.push_back(std::move(bind));
}

}  // namespace

rootfs::Request member_tree(const PodContext& context, const pod::Container& container,
                            const image::ResolvedImage& image, const std::string& rootfs_dir,
                            const pod::KeyValues& variables, Mounts& mounts) {
  rootfs::Request tree;
  tree.lower = image.layers;
  make_upper(rootfs_dir, context.id_base, tree);
  tree.read_only_root = container.security.read_only_root_filesystem;
  tree.privileged = container.security.privileged;
  if (context.mapped_ids > 5) tree.tty_gid = 5;
  tree.masked_paths = image.masked_paths;
  if (!tree.privileged && container.security.proc_mount == pod::ProcMount::default_) {
    const auto& host = context.host;
    tree.masked_paths.insert(tree.masked_paths.end(), host.masked_paths.begin(),
                             host.masked_paths.end());
    tree.read_only_paths = host.read_only_paths;
  }
  mounts = open_mounts(context.pod, container, *context.store, *context.record, variables);
  fit_into_user_namespace(context, rootfs_dir, mounts, tree);
  if (tree.privileged && !tree.user_namespace) tree.more_devices = machine_devices();
  add_pod_files(context, mounts.binds, tree.binds);
  add_message_file(container, rootfs_dir, mounts);
  tree.binds.insert(tree.binds.end(), mounts.binds.begin(), mounts.binds.end());
  for (const auto& volume : image.config.volumes)
    if (volume.size() > 1 && volume.size() < 4096 && volume.front() == '/' &&
        volume.find('\0') == std::string::npos && !is_in_mount(tree.binds, volume) &&
        tree.folders.size() < most_image_volumes)
      tree.folders.push_back(volume);
  return tree;
}

}  // namespace pausa::supervisor
