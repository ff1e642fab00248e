// CHILD ZONE. For this room only.
#pragma once

#include "rootfs/mount_step.hpp"

namespace pausa::rootfs {

// Leaves the caller's mount table for one of its own, which hears from the old one and never talks.
int own_table() noexcept;

// The step `overlay`. Leaves the mount table where the kernel has no other way.
int mount_overlay(const MountStep& step, int* slots) noexcept;

}  // namespace pausa::rootfs
