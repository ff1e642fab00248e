// POSIX ACLs as the kernel keeps them in the attributes system.posix_acl_access and
// system.posix_acl_default (linux/posix_acl_xattr.h). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pausa::unpack {

inline constexpr std::string_view access_acl = "system.posix_acl_access";
inline constexpr std::string_view default_acl = "system.posix_acl_default";

enum class AclTag : std::uint16_t {
  user_obj = 1,
  user = 2,
  group_obj = 4,
  group = 8,
  mask = 16,
  other = 32
};

struct AclEntry {
  AclTag tag = AclTag::other;
  std::uint16_t permissions = 0;  // 0 to 7
  std::uint32_t id = 0;           // of user and group
};

// In the kernel's order.
std::string acl_value(std::vector<AclEntry> entries);

// What posix_acl_valid() asks for (fs/posix_acl.c), and at most a thousand entries.
bool is_acl(std::string_view value);

}  // namespace pausa::unpack
