// One step of building a container's file tree, as flat data: made by the parent (layout.hpp),
// executed after clone by execute() (enter.cpp), printed by `--explain`. Strings are borrowed from
// the parent's memory.
//
// A step works on *slots*: detached mounts that earlier steps made. Slot 0 is the rootfs.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace pausa::rootfs {

enum class MountOp : std::uint8_t {
  own_table,  // a mount namespace of the caller's own, which hears from the host's and never talks
  mapped_tree,  // the directory text appears at the directory path with its ids mapped by id_map
  filesystem,   // slot = fsopen(text) with options (key, value, …, nullptr), attributes
  overlay,      // slot = an overlay of `layers` with options and attributes
  bind,         // slot = a copy of the tree that fd names, attributes and propagation set
  part,         // slot = a copy of what is at path inside it; before attach_root
  infra_tree,   // slot = a copy of the tree at text in infra's namespace, or of `path` inside it
  node,         // a device or FIFO `path` in the slot, mode and device
  bind_device,  // the host's device (fd) bound over an empty file `path` at /dev, after pivot
  link,         // a symbolic link `path` in the slot, pointing to text
  directory,    // a directory `path` in the slot, mode
  attach_root,  // slot 0 becomes the tree at /root of infra's namespace; the next attach go below
                // it
  attach,       // the slot at `path` inside the new root; the mount point is made if absent
  make_path,    // the directory `path` inside the new root, made if absent (a working directory)
  pivot,        // the new root becomes "/", what was before goes
  own_proc,     // a /proc of the caller's own PID namespace, over the one that is there
  mask,         // an empty read-only thing over path, file or directory, if it exists
  read_only,    // path and what is below read-only, if path exists
  seal_root     // "/" itself read-only
};

struct MountStep {
  MountOp op = MountOp::bind;
  bool file = false;       // attach: the mount point is a file (in any case where the slot is one)
  bool recursive = false;  // bind: with the mounts below it
  bool may_fail = false;   // make_path: it is only a wish
  int slot = -1;
  int fd = -1;
  int id_map = -1;               // mapped_tree, bind: a user namespace, whose ids the copy shows
  std::uint64_t attributes = 0;  // MOUNT_ATTR_*
  std::uint64_t top_attributes = 0;  // bind: of the topmost mount alone
  std::uint64_t propagation = 0;     // MS_PRIVATE, MS_SLAVE or MS_SHARED; 0: as it is
  mode_t mode = 0;
  dev_t device = 0;
  const char* path = nullptr;
  const char* text = nullptr;
  const char* const* options = nullptr;
  const char* const* layers = nullptr;  // overlay: directories, the topmost first, then nullptr
  const char* what = nullptr;           // for people: "mount volume data at /data"
};

// CHILD ZONE. Executes one step; slots has room for every slot named in the plan. 0, or -1 with
// errno. Steps up to attach_root want the host's mount table, the rest infra's copy.
int execute(const MountStep& step, int* slots) noexcept;

}  // namespace pausa::rootfs
