// Who a container runs as. One resolver for every place that asks, so that the same manifest and
// image always give the same ids; the caller stores the answer with the pod and never asks twice.
//
// The image is hostile: its passwd and group files are opened below the root file system by fd,
// must be regular and small, and are parsed as bytes. A word of digits is a number and never a
// name, so that a passwd line "1000:x:0:0::/:" makes nobody root. Not for child zones.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pausa::security {

struct UserRequest {
  std::optional<std::uint32_t> run_as_user;
  std::optional<std::uint32_t> run_as_group;
  bool run_as_non_root = false;
  std::string_view image_user;  // the image's USER: "", "user" or "user:group"
  int rootfs = -1;              // borrowed directory fd of the container's root; -1: no image files
  std::vector<std::uint32_t> supplemental_groups;
  std::optional<std::uint32_t> fs_group;
  bool strict_groups = false;  // supplementalGroupsPolicy: Strict, nothing from the image's group
};

struct Identity {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> groups;  // for setgroups(2): gid first, without duplicates
  std::string home = "/";             // absolute, fit for HOME
  std::string name;                   // empty when the image has no name for the uid
};

// Throws sys::Error: with Kubernetes' words where runAsNonRoot is violated, otherwise with what is
// wrong about the USER or the file.
Identity resolve_identity(const UserRequest& request);

// The checks that need no image file, for `pausa explain` and early refusal. Nothing is wrong when
// the result is empty.
std::string non_root_violation(const UserRequest& request);

}  // namespace pausa::security
