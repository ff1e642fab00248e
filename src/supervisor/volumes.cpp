#include "supervisor/volumes.hpp"

#include "image/image.hpp"
#include "pod/expand.hpp"
#include "pod/projection.hpp"
#include "state/object_store.hpp"
#include "supervisor/generated_files.hpp"
#include "supervisor/group_owner.hpp"
#include "supervisor/surroundings.hpp"
#include "sys/error.hpp"
#include "sys/mount_info.hpp"
#include "sys/path.hpp"
#include "sys/process.hpp"

#include <fcntl.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace pausa::supervisor {
namespace {

// The tree of all generated files that are to be in memory, by volume.
constexpr const char* files_tree = "files";

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

const pod::Volume* find_volume(const pod::Spec& spec, const std::string& name) {
  const auto found =
      std::find_if(spec.volumes.begin(), spec.volumes.end(),
                   [&](const pod::Volume& candidate) { return candidate.name == name; });
  return found == spec.volumes.end() ? nullptr : &*found;
}

std::string disk_folder(const state::Store& store, const state::Record& record) {
  return store.paths().data_dir(record.key) + "/volumes";
}

// A tree of infra's, for reading and writing from outside: its root shows them to those who may
// trace it. Throws when infra is gone.
sys::UniqueFd open_memory_tree(const state::Record& record, const std::string& tree) {
  const auto infra = sys::open_process(record.infra);
  if (!infra) throw sys::Error("the pod's infra process is gone");
  sys::UniqueFd dir;
  try {
    dir =
        sys::open_at(AT_FDCWD, "/proc/" + std::to_string(record.infra.pid) + "/root/tmpfs/" + tree,
                     O_RDONLY | O_DIRECTORY);
  } catch (sys::Error& error) {
    if (error.err() == EACCES) error.advise("this needs CAP_SYS_PTRACE");
    throw;
  }
  // Alive still: the pid has meant this process all the while.
  if (!sys::send_signal(infra->get(), 0)) throw sys::Error("the pod's infra process is gone");
  return dir;
}

// Files as another user: a file system of a user namespace takes none from ids that it does not
// map. Given back at the end of the scope; we are one thread.
class FileIds {
 public:
  FileIds(std::uint32_t user, std::uint32_t group)
      : group_(::setfsgid(group)), user_(::setfsuid(user)) {}
  ~FileIds() {
    (void)::setfsuid(static_cast<uid_t>(user_));
    (void)::setfsgid(static_cast<gid_t>(group_));
  }
  FileIds(const FileIds&) = delete;
  FileIds& operator=(const FileIds&) = delete;

 private:
  int group_, user_;
};

// The directory (or file) behind a claim.
struct ClaimedSource {
  sys::UniqueFd fd;
  bool takes_group = false;  // fsGroup applies
  bool host_path = false;
};

ClaimedSource open_claim(const pod::Pod& pod, const pod::ClaimVolume& volume,
                         const state::Store& store) {
  const auto& namespace_ = pod.metadata.namespace_;
  const state::ObjectStore objects(store.paths());
  const auto claim = objects.find(pod::ObjectKind::claim, namespace_, volume.claim);
  if (!claim) throw sys::Error("there is no persistentvolumeclaim " + volume.claim);
  const std::string& bound = claim->claim.volume_name;
  if (bound.empty()) {
    const sys::UniqueFd folder = sys::make_dirs_at(AT_FDCWD, store.paths().volumes(), 0700);
    const std::string name = state::PodKey{namespace_, volume.claim}.folder();
    // Whoever the containers are, they may write, as in an emptyDir.
    if (::mkdirat(folder.get(), name.c_str(), 0777) == 0)
      sys::check(::fchmodat(folder.get(), name.c_str(), 0777, 0), "set the mode of ", name);
    else if (errno != EEXIST)
      sys::check(-1, "make ", name);
    return {sys::open_at(folder.get(), name, O_PATH | O_DIRECTORY), true, false};
  }
  const auto host = objects.find(pod::ObjectKind::volume, "", bound);
  if (!host) throw sys::Error("there is no persistentvolume " + bound);
  return {open_host_path({host->volume.path, host->volume.type}), host->volume.local, true};
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

void write_generated_volumes(const pod::Pod& pod, const state::Store& store,
                             const state::Record& record, bool memory) {
  const PodSurroundings surroundings(pod, store, record);
  for (const auto& volume : pod.spec.volumes) {
    const auto* files = std::get_if<pod::Projected>(&volume.source);
    if (files == nullptr || files->memory != memory) continue;
    const auto projected = pod::project(pod, *files, surroundings);
    if (projected.fault) throw sys::Error("volume " + volume.name + ": " + *projected.fault);
    FilesOwner owner;
    owner.id_base = record.id_base;
    if (const auto group = pod.spec.security.fs_group) owner.fs_group = record.id_base + *group;
    try {
      if (memory) {
        const sys::UniqueFd folder = open_memory_tree(record, files_tree);
        std::optional<FileIds> as_pod;
        if (owner.id_base != 0)
          as_pod.emplace(owner.id_base, owner.fs_group.value_or(owner.id_base));
        write_generated(folder.get(), volume.name, projected.files, owner);
      } else {
        const sys::UniqueFd folder = sys::make_dirs_at(AT_FDCWD, disk_folder(store, record), 0700);
        write_generated(folder.get(), volume.name, projected.files, owner);
      }
    } catch (sys::Error& error) {
      error.prepend("volume " + volume.name);
      throw;
    }
  }
}

void make_volumes(const pod::Pod& pod, const state::Store& store, const state::Record& record) {
  const sys::UniqueFd root = sys::make_dirs_at(AT_FDCWD, disk_folder(store, record), 0700);
  const auto& security = pod.spec.security;
  for (const auto& volume : pod.spec.volumes) {
    if (const auto* claim = std::get_if<pod::ClaimVolume>(&volume.source)) {
      const ClaimedSource source = open_claim(pod, *claim, store);
      if (source.takes_group && security.fs_group)
        give_to_group(source.fd.get(), *security.fs_group, security.fs_group_change_policy,
                      volume.name);
      continue;
    }
    const auto* empty = std::get_if<pod::EmptyDir>(&volume.source);
    if (empty == nullptr || empty->memory) continue;
    const sys::UniqueFd dir = sys::make_dirs_at(root.get(), volume.name, 0777);
    mode_t mode = 0777;
    if (security.fs_group) {
      sys::check(::fchown(dir.get(), static_cast<uid_t>(-1), *security.fs_group), "give volume ",
                 volume.name, " to group ", *security.fs_group);
      mode |= S_ISGID;
    }
    sys::check(::fchmod(dir.get(), mode), "set the mode of volume ", volume.name);
  }
  write_generated_volumes(pod, store, record, false);
}

sys::UniqueFd open_empty_dir(const pod::Spec& spec, const state::Store& store,
                             const state::Record& record, const std::string& volume) {
  const auto* found = find_volume(spec, volume);
  const auto* empty = found != nullptr ? std::get_if<pod::EmptyDir>(&found->source) : nullptr;
  if (empty == nullptr) return sys::UniqueFd();
  if (empty->memory) return open_memory_tree(record, memory_tree(volume));
  return sys::try_open_at(AT_FDCWD, disk_folder(store, record) + "/" + volume,
                          O_PATH | O_DIRECTORY);
}

std::vector<infra::SandboxRequest::Tmpfs> shared_memory(const pod::Spec& spec) {
  std::vector<infra::SandboxRequest::Tmpfs> trees;
  if (!spec.host_ipc) trees.push_back({"shm", "size=64m,mode=1777", true});
  trees.push_back({"etc", "size=256k,nr_inodes=64,mode=755", true});
  const auto is_generated = [](const pod::Volume& volume) {
    const auto* files = std::get_if<pod::Projected>(&volume.source);
    return files != nullptr && files->memory;
  };
  if (std::any_of(spec.volumes.begin(), spec.volumes.end(), is_generated))
    trees.push_back({files_tree, "mode=755", false});
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
