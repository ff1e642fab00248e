// Capabilities as a set of bits, their names, and the rule by which a container gets its set
// (capabilities(7)). Pure apart from host_caps(), which asks the kernel.
//
// The set that results is the container's bounding set. A root process in it has the same set
// permitted and effective, any other uid has none; inheritable and ambient sets are always empty
// (security/apply.hpp). Not for child zones, except for CapSet itself, which is a plain number.
#pragma once

#include <linux/capability.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pausa::security {

struct CapSet {
  std::uint64_t bits = 0;  // bit N stands for capability number N

  constexpr bool has(unsigned cap) const noexcept { return cap < 64 && (bits >> cap & 1) != 0; }
  constexpr CapSet with(unsigned cap) const noexcept { return {bits | std::uint64_t{1} << cap}; }
  constexpr CapSet without(unsigned cap) const noexcept {
    return {bits & ~(std::uint64_t{1} << cap)};
  }
  constexpr bool empty() const noexcept { return bits == 0; }
  friend constexpr bool operator==(CapSet, CapSet) = default;
  friend constexpr CapSet operator|(CapSet a, CapSet b) noexcept { return {a.bits | b.bits}; }
  friend constexpr CapSet operator&(CapSet a, CapSet b) noexcept { return {a.bits & b.bits}; }
  friend constexpr CapSet operator-(CapSet a, CapSet b) noexcept { return {a.bits & ~b.bits}; }
};

// The newest capability this program knows; a kernel may know more.
inline constexpr unsigned last_known_cap = CAP_CHECKPOINT_RESTORE;
inline constexpr CapSet all_known_caps{(std::uint64_t{1} << (last_known_cap + 1)) - 1};

// What a container has that asks for nothing.
inline constexpr CapSet default_caps = CapSet{}
                                           .with(CAP_CHOWN)
                                           .with(CAP_DAC_OVERRIDE)
                                           .with(CAP_FOWNER)
                                           .with(CAP_FSETID)
                                           .with(CAP_KILL)
                                           .with(CAP_NET_BIND_SERVICE)
                                           .with(CAP_SETFCAP)
                                           .with(CAP_SETGID)
                                           .with(CAP_SETPCAP)
                                           .with(CAP_SETUID)
                                           .with(CAP_SYS_CHROOT);

// "NET_ADMIN" or "CAP_NET_ADMIN", case-sensitive as in Kubernetes; nothing for any other word.
std::optional<unsigned> cap_number(std::string_view name);
// Without the CAP_ prefix; empty for a number without a name.
std::string_view cap_name(unsigned cap);
// The names in the order of their numbers, without the prefix.
std::vector<std::string> cap_names(CapSet set);

// What this process could hand on at all: its bounding set, read from the kernel bit by bit, so it
// also ends at the kernel's own last capability.
CapSet host_caps();

struct CapDecision {
  CapSet set;                        // within host
  CapSet unavailable;                // asked for by name, but not ours to give
  std::vector<std::string> unknown;  // words that name no capability, as written
};

// Kubernetes' securityContext.capabilities as the runtimes read it: start from the default set,
// from everything if ALL is added, from nothing if ALL is dropped (which wins when both are
// given); then add, then drop, one by one. privileged starts from everything and ignores both.
CapDecision effective_caps(std::span<const std::string> add, std::span<const std::string> drop,
                           bool privileged, CapSet host);

}  // namespace pausa::security
