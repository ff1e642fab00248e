// User namespace maps: which ids a pod's user namespace has, and how they get into the kernel
// (user_namespaces(7)). Nothing here asks NSS: the release binary is static, so names come from
// /etc/passwd and ranges from /etc/subuid and /etc/subgid. Not for child zones.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pausa::security {

struct IdRange {
  std::uint32_t inside = 0;
  std::uint32_t outside = 0;
  std::uint32_t count = 0;
  friend bool operator==(const IdRange&, const IdRange&) = default;
};
using IdMap = std::vector<IdRange>;

// The ids of a pod with hostUsers: false under root.
inline constexpr std::uint32_t block_size = 65536;

struct SubIds {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  friend bool operator==(const SubIds&, const SubIds&) = default;
};

// The lines of /etc/subuid or /etc/subgid for this user, by name or by number, in the order of the
// file. Malformed and empty ranges are passed over, as newuidmap does.
std::vector<SubIds> parse_subids(std::string_view text, std::string_view name, std::uint32_t uid);

// The user's name in the text of a passwd file; empty when it has none.
std::string parse_user_name(std::string_view passwd, std::uint32_t uid);

// Id 0 is the user's own, from 1 on follow the subordinate ones.
IdMap rootless_map(std::uint32_t own, const std::vector<SubIds>& subordinate);
// 0..65535 onto base..base+65535.
IdMap rootful_block(std::uint32_t base);

// How many ids from 0 on are mapped without a gap: a runAsUser must be below.
std::uint32_t ids_from_zero(const IdMap& map);
// What an id is on the host; nothing when it is not in the map.
std::optional<std::uint32_t> outside_of(const IdMap& map, std::uint32_t inside);

// The text of /proc/PID/uid_map.
std::string map_text(const IdMap& map);

struct IdMaps {
  IdMap uids;
  IdMap gids;
  // setgroups(2) is denied for good in a namespace with a single group: the kernel asks for it
  // before it takes such a map from a user without privilege.
  bool groups_denied() const;
};

// For the calling user: the whole of its subordinate ranges, or its own single id when it has none
// or the helpers newuidmap and newgidmap are not installed.
IdMaps rootless_maps();

// Writes both maps of a process that was born in a new user namespace and waits; pid is a child
// that the caller has not reaped. Direct where the kernel allows it: as root, or for a single id
// (with setgroups denied first, CVE-2014-8989). Otherwise through newuidmap and newgidmap, run
// with an empty environment. Throws sys::Error, which says what to install or to add.
void write_id_maps(pid_t pid, const IdMaps& maps);

}  // namespace pausa::security
