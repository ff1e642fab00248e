#include "supervisor/volumes.hpp"

#include "pod/projection.hpp"
#include "supervisor/generated_files.hpp"
#include "supervisor/group_owner.hpp"
#include "supervisor/surroundings.hpp"
#include "supervisor/volume_sources.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace pausa::supervisor {
namespace {

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

}  // namespace pausa::supervisor
