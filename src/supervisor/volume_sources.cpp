#include "supervisor/volume_sources.hpp"

#include "state/object_store.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"
#include "sys/process.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

namespace pausa::supervisor {
namespace {

// Kubernetes' words for a hostPath whose type is not what the manifest says.
[[noreturn]] void wrong_type(const pod::HostPath& source, const char* expected) {
  throw sys::Error("hostPath type check failed: " + source.path + " is not a " + expected);
}

}  // namespace

const pod::Volume* find_volume(const pod::Spec& spec, const std::string& name) {
  const auto found =
      std::find_if(spec.volumes.begin(), spec.volumes.end(),
                   [&](const pod::Volume& candidate) { return candidate.name == name; });
  return found == spec.volumes.end() ? nullptr : &*found;
}

std::string disk_folder(const state::Store& store, const state::Record& record) {
  return store.paths().data_dir(record.key) + "/volumes";
}

std::string memory_tree(const std::string& volume) {
  return "vol-" + volume;
}

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

sys::UniqueFd open_empty_dir(const pod::Spec& spec, const state::Store& store,
                             const state::Record& record, const std::string& volume) {
  const auto* found = find_volume(spec, volume);
  const auto* empty = found != nullptr ? std::get_if<pod::EmptyDir>(&found->source) : nullptr;
  if (empty == nullptr) return sys::UniqueFd();
  if (empty->memory) return open_memory_tree(record, memory_tree(volume));
  return sys::try_open_at(AT_FDCWD, disk_folder(store, record) + "/" + volume,
                          O_PATH | O_DIRECTORY);
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

}  // namespace pausa::supervisor
