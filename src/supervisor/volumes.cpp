#include "supervisor/volumes.hpp"

#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace pausa::supervisor {
namespace {

std::string memory_tree(const std::string& volume) {
  return "vol-" + volume;
}

// Kubernetes' words for a hostPath whose type is not what the manifest says.
[[noreturn]] void wrong_type(const pod::HostPath& source, const char* expected) {
  throw sys::Error("hostPath type check failed: " + source.path + " is not a " + expected);
}

sys::UniqueFd open_host_path(const pod::HostPath& source) {
  using Type = pod::HostPathType;
  sys::UniqueFd fd = sys::try_open_at(AT_FDCWD, source.path, O_PATH);
  if (!fd) {
    switch (source.type) {
      case Type::directory_or_create:
        // As the kubelet makes it: 0755, the owner whoever we are.
        (void)sys::make_dirs_at(AT_FDCWD, source.path, 0755);
        break;
      case Type::file_or_create:
        sys::create_file_at(AT_FDCWD, source.path, "", 0644);
        break;
      default:
        throw sys::Error(ENOENT, "hostPath " + source.path);
    }
    fd = sys::open_at(AT_FDCWD, source.path, O_PATH);
  }
  struct ::stat info {};
  sys::check(::fstat(fd.get(), &info), "look at ", source.path);
  const mode_t kind = info.st_mode & S_IFMT;
  switch (source.type) {
    case Type::unset:
      break;
    case Type::directory:
    case Type::directory_or_create:
      if (kind != S_IFDIR) wrong_type(source, "directory");
      break;
    case Type::file:
    case Type::file_or_create:
      if (kind != S_IFREG) wrong_type(source, "file");
      break;
    case Type::socket:
      if (kind != S_IFSOCK) wrong_type(source, "socket");
      break;
    case Type::char_device:
      if (kind != S_IFCHR) wrong_type(source, "character device");
      break;
    case Type::block_device:
      if (kind != S_IFBLK) wrong_type(source, "block device");
      break;
  }
  return fd;
}

// What a subPath names inside the volume: opened by handle, so that a link planted in the volume
// leads nowhere else. An absent one is made as a directory.
sys::UniqueFd open_sub_path(int volume, const std::string& sub_path) {
  sys::UniqueFd fd = sys::try_open_in_root(volume, sub_path, O_PATH);
  if (fd) return fd;
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

}  // namespace

void make_volumes(const pod::Spec& spec, const std::string& volumes_dir) {
  const sys::UniqueFd root = sys::make_dirs_at(AT_FDCWD, volumes_dir, 0700);
  for (const auto& volume : spec.volumes) {
    const auto* empty = std::get_if<pod::EmptyDir>(&volume.source);
    if (empty == nullptr || empty->memory) continue;
    const sys::UniqueFd dir = sys::make_dirs_at(root.get(), volume.name, 0777);
    mode_t mode = 0777;
    if (spec.security.fs_group) {
      sys::check(::fchown(dir.get(), static_cast<uid_t>(-1), *spec.security.fs_group),
                 "give volume ", volume.name, " to group ", *spec.security.fs_group);
      mode |= S_ISGID;
    }
    sys::check(::fchmod(dir.get(), mode), "set the mode of volume ", volume.name);
  }
}

std::vector<infra::SandboxRequest::Tmpfs> shared_memory(const pod::Spec& spec) {
  std::vector<infra::SandboxRequest::Tmpfs> trees;
  if (!spec.host_ipc) trees.push_back({"shm", "size=64m,mode=1777", true});
  trees.push_back({"etc", "size=256k,nr_inodes=64,mode=755", true});
  for (const auto& volume : spec.volumes) {
    const auto* empty = std::get_if<pod::EmptyDir>(&volume.source);
    if (empty == nullptr || !empty->memory) continue;
    std::string options = "mode=777";
    if (spec.security.fs_group)
      options = "mode=2777,gid=" + std::to_string(*spec.security.fs_group);
    // tmpfs takes 0 for "no limit", which is not what a limit of nothing means.
    if (empty->size_limit_bytes)
      options += ",size=" + std::to_string(std::max<std::int64_t>(*empty->size_limit_bytes, 4096));
    trees.push_back({memory_tree(volume.name), options, false});
  }
  return trees;
}

Mounts open_mounts(const pod::Spec& spec, const pod::Container& container,
                   const std::string& volumes_dir) {
  Mounts mounts;
  std::vector<const pod::VolumeMount*> ordered;
  for (const auto& mount : container.volume_mounts) ordered.push_back(&mount);
  // /data before /data/sub, whatever the manifest's order: the other way round hides the latter.
  std::stable_sort(ordered.begin(), ordered.end(), [](const auto* a, const auto* b) {
    return normal_path(a->mount_path).size() < normal_path(b->mount_path).size();
  });
  for (const auto* mount : ordered) {
    const auto volume =
        std::find_if(spec.volumes.begin(), spec.volumes.end(),
                     [&](const pod::Volume& candidate) { return candidate.name == mount->name; });
    if (volume == spec.volumes.end()) throw sys::Error("no volume " + mount->name);
    rootfs::Bind bind;
    bind.target = normal_path(mount->mount_path);
    bind.what = "volume " + mount->name;
    bind.read_only = mount->read_only;
    bind.propagation = propagation_flag(mount->propagation);
    try {
      if (const auto* empty = std::get_if<pod::EmptyDir>(&volume->source);
          empty != nullptr && empty->memory) {
        bind.infra_path = "/tmpfs/" + memory_tree(mount->name);
        bind.infra_sub_path = mount->sub_path;
        mounts.binds.push_back(std::move(bind));
        continue;
      }
      const auto* host = std::get_if<pod::HostPath>(&volume->source);
      sys::UniqueFd source = host != nullptr
                                 ? open_host_path(*host)
                                 : sys::open_at(AT_FDCWD, volumes_dir + "/" + mount->name, O_PATH);
      bind.recursive = host != nullptr;
      if (!mount->sub_path.empty()) source = open_sub_path(source.get(), mount->sub_path);
      struct ::stat info {};
      sys::check(::fstat(source.get(), &info), "look at the source");
      bind.file = !S_ISDIR(info.st_mode);
      bind.devices = S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode);
      bind.fd = source.get();
      mounts.sources.push_back(std::move(source));
      mounts.binds.push_back(std::move(bind));
    } catch (sys::Error& error) {
      error.prepend("volume " + mount->name);
      throw;
    }
  }
  return mounts;
}

}  // namespace pausa::supervisor
