#include "rootfs/layout.hpp"

#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <string>

namespace pausa::rootfs {
namespace {

std::string attributes_text(std::uint64_t attributes) {
  std::string text;
  const auto add = [&](std::uint64_t bit, const char* name) {
    if ((attributes & bit) != 0) text += (text.empty() ? "" : ",") + std::string(name);
  };
  add(MOUNT_ATTR_RDONLY, "ro");
  add(MOUNT_ATTR_NOSUID, "nosuid");
  add(MOUNT_ATTR_NODEV, "nodev");
  add(MOUNT_ATTR_NOEXEC, "noexec");
  return text;
}

// The shell's mount wants them in one text, in which ':' divides and '\\' protects.
std::string layers_text(const MountStep& step) {
  std::string text;
  for (const char* const* layer = step.layers; *layer != nullptr; ++layer) {
    if (layer != step.layers) text += ':';
    for (const char* at = *layer; *at != '\0'; ++at) {
      if (*at == ':' || *at == '\\') text += '\\';
      text += *at;
    }
  }
  return text;
}

std::string options_text(const MountStep& step) {
  std::string text = attributes_text(step.attributes);
  if (step.layers != nullptr)
    text += (text.empty() ? "lowerdir=" : ",lowerdir=") + layers_text(step);
  for (const char* const* option = step.options; option != nullptr && *option != nullptr;
       option += 2) {
    text += (text.empty() ? "" : ",") + std::string(option[0]);
    if (option[1] != nullptr) text += "=" + std::string(option[1]);
  }
  return text.empty() ? "" : " -o " + text;
}

std::string slot_path(int slot) {
  return slot == 0 ? "$ROOT" : "$M" + std::to_string(slot);
}

std::string octal(mode_t mode) {
  char buffer[16];
  (void)std::snprintf(buffer, sizeof buffer, "%o", mode & 07777);
  return buffer;
}

}  // namespace

std::string shell_equivalent(const MountStep& step) {
  const std::string slot = slot_path(step.slot);
  const std::string path = step.path != nullptr ? step.path : "";
  const std::string text = step.text != nullptr ? step.text : "";
  switch (step.op) {
    case MountOp::own_table:
      return "unshare --mount --propagation slave";
    case MountOp::mapped_tree:
      return "mount --bind -o X-mount.idmap=/proc/$INFRA/ns/user '" + text + "' '" + path + "'";
    case MountOp::filesystem:
      return "mount -t " + text + options_text(step) + " " + text + " " + slot;
    case MountOp::overlay:
      return "mount -t overlay" + options_text(step) + " overlay " + slot;
    case MountOp::bind:
    case MountOp::infra_tree:
      return std::string("mount --") + (step.recursive ? "r" : "") + "bind -o " +
             attributes_text(step.attributes) +
             (step.id_map >= 0 ? ",X-mount.idmap=/proc/$INFRA/ns/user" : "") + " '" + text + "' " +
             slot;
    case MountOp::part:
      return "mount --move " + slot + " /root && mount --bind '/root/" + path + "' " + slot +
             " && umount /root";
    case MountOp::node:
      return "mknod -m " + octal(step.mode) + " " + slot + "/" + path + " c " +
             std::to_string(major(step.device)) + " " + std::to_string(minor(step.device));
    case MountOp::bind_device:
      return "touch " + path + " && mount --bind $HOST" + path + " " + path;
    case MountOp::link:
      return "ln -s " + text + " " + slot + "/" + path;
    case MountOp::directory:
      return "mkdir -m " + octal(step.mode) + " " + slot + "/" + path;
    case MountOp::attach_root:
      return "mount --move $ROOT /root";
    case MountOp::attach:
      return std::string(step.file ? "touch" : "mkdir -p") + " /root" + path + " && mount --move " +
             slot + " /root" + path;
    case MountOp::make_path:
      return "mkdir -p /root" + path;
    case MountOp::pivot:
      return "cd /root && pivot_root . . && umount -l . && cd /";
    case MountOp::own_proc:
      return "mount -t proc" + options_text(step) + " proc " + path;
    case MountOp::mask:
      return "test -d " + path + " && mount -t tmpfs -o ro tmpfs " + path +
             " || mount --bind /dev/null " + path;
    case MountOp::read_only:
      return "mount --rbind " + path + " " + path + " && mount -o remount,bind,ro " + path;
    case MountOp::seal_root:
      return "mount -o remount,bind,ro /";
  }
  return "";
}

}  // namespace pausa::rootfs
