#include "supervisor/mounts.hpp"

#include "image/image.hpp"
#include "pod/expand.hpp"
#include "supervisor/volume_sources.hpp"
#include "sys/mount_info.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>

namespace pausa::supervisor {
namespace {

// What a subPath names inside the volume: opened by handle, so that a link planted in the volume
// leads nowhere else. An absent one is made as a directory, where that is possible.
sys::UniqueFd open_sub_path(int volume, const std::string& sub_path, bool make) {
  sys::UniqueFd fd = sys::try_open_in_root(volume, sub_path, O_PATH);
  if (fd) return fd;
  if (!make) throw sys::Error(ENOENT, "subPath " + sub_path);
  (void)sys::make_dirs_in_root(volume, sub_path, 0755);
  return sys::open_in_root(volume, sub_path, O_PATH);
}

std::uint64_t propagation_flag(pod::MountPropagation propagation) {
  switch (propagation) {
    case pod::MountPropagation::none:
      return MS_PRIVATE;
    case pod::MountPropagation::host_to_container:
      return MS_SLAVE;
    case pod::MountPropagation::bidirectional:
      return MS_SHARED;
  }
  return MS_PRIVATE;
}

// As container runtimes do: what cannot spread is not mounted as if it could.
void require_propagation(int source, const std::string& volume, pod::MountPropagation propagation) {
  if (propagation == pod::MountPropagation::none) return;
  const auto mount = sys::mount_of(source);
  const bool both = propagation == pod::MountPropagation::bidirectional;
  if (mount && (mount->shared || (!both && mount->slave))) return;
  sys::Error error("volume " + volume + " is mounted on " +
                   (mount ? mount->point : "an unknown place") + ", which is not a shared " +
                   (both ? "mount" : "or slave mount"));
  if (mount) error.advise("mount --make-shared " + mount->point);
  throw error;
}

std::string normal_path(const std::string& path) {
  std::string out;
  std::size_t at = 0;
  while (at < path.size()) {
    const auto end = std::min(path.find('/', at), path.size());
    if (end > at) out += "/" + path.substr(at, end - at);
    at = end + 1;
  }
  return out.empty() ? "/" : out;
}

// One directory is bound like a host path, several are stacked as the container is set up.
void add_image(const pod::ImageVolume& volume, const std::string& name, const std::string& sub_path,
               const state::Store& store, const state::Record& record, rootfs::Bind bind,
               Mounts& mounts) {
  const auto known =
      std::find_if(record.volumes.begin(), record.volumes.end(),
                   [&](const state::VolumeRecord& candidate) { return candidate.name == name; });
  const image::Store images(store.paths().root);
  auto image = known == record.volumes.end()
                   ? image::resolve(volume.reference, images)
                   : image::resolve_again(volume.reference, known->image, images);
  bind.read_only = true;
  bind.shallow_read_only = false;
  bind.no_exec = true;
  if (image.layers.size() <= 1) {
    // An image without a layer is an empty folder.
    auto source = image.layers.empty()
                      ? sys::make_dirs_at(AT_FDCWD, disk_folder(store, record) + "/" + name, 0755)
                      : sys::open_at(AT_FDCWD, image.layers.front(), O_PATH | O_DIRECTORY);
    if (!sub_path.empty()) source = open_sub_path(source.get(), sub_path, false);
    struct ::stat info {};
    sys::check(::fstat(source.get(), &info), "look at the source");
    bind.file = !S_ISDIR(info.st_mode);
    bind.fd = source.get();
    mounts.sources.push_back(std::move(source));
  } else {
    bind.layers = std::move(image.layers);
    bind.part = sub_path;
  }
  mounts.binds.push_back(std::move(bind));
}

void open_mount(const pod::Pod& pod, const pod::VolumeMount& mount, const pod::Volume& volume,
                const std::string& sub_path, const state::Store& store, const state::Record& record,
                Mounts& mounts) {
  rootfs::Bind bind;
  bind.target = normal_path(mount.mount_path);
  bind.what = "volume " + mount.name;
  bind.read_only = mount.read_only;
  bind.shallow_read_only = mount.shallow_read_only;
  bind.propagation = propagation_flag(mount.propagation);
  if (const auto* image = std::get_if<pod::ImageVolume>(&volume.source))
    return add_image(*image, mount.name, sub_path, store, record, std::move(bind), mounts);
  sys::UniqueFd source;
  bool make_sub_path = true;
  if (const auto* empty = std::get_if<pod::EmptyDir>(&volume.source)) {
    if (empty->memory) {
      bind.infra_path = "/tmpfs/" + memory_tree(mount.name);
      bind.infra_sub_path = sub_path;
      mounts.binds.push_back(std::move(bind));
      return;
    }
    source = sys::open_at(AT_FDCWD, disk_folder(store, record) + "/" + mount.name, O_PATH);
  } else if (const auto* host = std::get_if<pod::HostPath>(&volume.source)) {
    source = open_host_path(*host);
    bind.recursive = true;
  } else if (const auto* files = std::get_if<pod::Projected>(&volume.source)) {
    bind.read_only = true;
    bind.shallow_read_only = false;
    bind.own_ids = true;
    make_sub_path = false;
    if (files->memory) {
      // Infra's tree has no place in our own mount namespace: looked at here, bound there.
      bind.infra_path = std::string("/tmpfs/") + files_tree;
      bind.infra_sub_path = mount.name + (sub_path.empty() ? "" : "/" + sub_path);
      const sys::UniqueFd root = open_memory_tree(record, files_tree);
      const sys::UniqueFd inside = sys::try_open_in_root(root.get(), bind.infra_sub_path, O_PATH);
      struct ::stat info {};
      if (!inside || ::fstat(inside.get(), &info) < 0)
        throw sys::Error(ENOENT, "subPath " + sub_path);
      bind.file = !S_ISDIR(info.st_mode);
      mounts.binds.push_back(std::move(bind));
      return;
    }
    source =
        sys::open_at(AT_FDCWD, disk_folder(store, record) + "/" + mount.name, O_PATH | O_NOFOLLOW);
  } else {
    const auto& claim = std::get<pod::ClaimVolume>(volume.source);
    ClaimedSource claimed = open_claim(pod, claim, store);
    source = std::move(claimed.fd);
    bind.recursive = claimed.host_path;
    bind.read_only = bind.read_only || claim.read_only;
  }
  require_propagation(source.get(), mount.name, mount.propagation);
  if (!sub_path.empty()) source = open_sub_path(source.get(), sub_path, make_sub_path);
  struct ::stat info {};
  sys::check(::fstat(source.get(), &info), "look at the source");
  bind.file = !S_ISDIR(info.st_mode);
  bind.devices = S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode);
  bind.fd = source.get();
  mounts.sources.push_back(std::move(source));
  mounts.binds.push_back(std::move(bind));
}

}  // namespace

Mounts open_mounts(const pod::Pod& pod, const pod::Container& container, const state::Store& store,
                   const state::Record& record, const pod::KeyValues& variables) {
  Mounts mounts;
  std::vector<const pod::VolumeMount*> ordered;
  for (const auto& mount : container.volume_mounts) ordered.push_back(&mount);
  // /data before /data/sub, whatever the manifest's order: the other way round hides the latter.
  std::stable_sort(ordered.begin(), ordered.end(), [](const auto* a, const auto* b) {
    return normal_path(a->mount_path).size() < normal_path(b->mount_path).size();
  });
  for (const auto* mount : ordered) {
    const auto* volume = find_volume(pod.spec, mount->name);
    if (volume == nullptr) throw sys::Error("no volume " + mount->name);
    std::string sub_path = mount->sub_path;
    if (mount->expand_sub_path) {
      auto expanded = pod::expand_sub_path(sub_path, variables);
      if (expanded.fault)
        throw ContainerConfigError("volume " + mount->name + ": " + *expanded.fault);
      sub_path = std::move(expanded.path);
    }
    try {
      open_mount(pod, *mount, *volume, sub_path, store, record, mounts);
    } catch (sys::Error& error) {
      error.prepend("volume " + mount->name);
      throw;
    }
  }
  return mounts;
}

}  // namespace pausa::supervisor
