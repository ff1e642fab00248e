#include "security/caps.hpp"

#include <sys/prctl.h>

#include <algorithm>
#include <array>

namespace pausa::security {
namespace {

// In the order of linux/capability.h.
constexpr std::array<std::string_view, last_known_cap + 1> names = {"CHOWN",
                                                                    "DAC_OVERRIDE",
                                                                    "DAC_READ_SEARCH",
                                                                    "FOWNER",
                                                                    "FSETID",
                                                                    "KILL",
                                                                    "SETGID",
                                                                    "SETUID",
                                                                    "SETPCAP",
                                                                    "LINUX_IMMUTABLE",
                                                                    "NET_BIND_SERVICE",
                                                                    "NET_BROADCAST",
                                                                    "NET_ADMIN",
                                                                    "NET_RAW",
                                                                    "IPC_LOCK",
                                                                    "IPC_OWNER",
                                                                    "SYS_MODULE",
                                                                    "SYS_RAWIO",
                                                                    "SYS_CHROOT",
                                                                    "SYS_PTRACE",
                                                                    "SYS_PACCT",
                                                                    "SYS_ADMIN",
                                                                    "SYS_BOOT",
                                                                    "SYS_NICE",
                                                                    "SYS_RESOURCE",
                                                                    "SYS_TIME",
                                                                    "SYS_TTY_CONFIG",
                                                                    "MKNOD",
                                                                    "LEASE",
                                                                    "AUDIT_WRITE",
                                                                    "AUDIT_CONTROL",
                                                                    "SETFCAP",
                                                                    "MAC_OVERRIDE",
                                                                    "MAC_ADMIN",
                                                                    "SYSLOG",
                                                                    "WAKE_ALARM",
                                                                    "BLOCK_SUSPEND",
                                                                    "AUDIT_READ",
                                                                    "PERFMON",
                                                                    "BPF",
                                                                    "CHECKPOINT_RESTORE"};
static_assert(names[CAP_NET_RAW] == "NET_RAW" && names[CAP_SYS_ADMIN] == "SYS_ADMIN" &&
              names[CAP_SETFCAP] == "SETFCAP" && names[CAP_AUDIT_READ] == "AUDIT_READ");

bool holds_all(std::span<const std::string> words) {
  return std::ranges::find(words, "ALL") != words.end();
}

}  // namespace

std::optional<unsigned> cap_number(std::string_view name) {
  if (name.starts_with("CAP_")) name.remove_prefix(4);
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return static_cast<unsigned>(found - names.begin());
}

std::string_view cap_name(unsigned cap) {
  return cap < names.size() ? names[cap] : std::string_view{};
}

std::vector<std::string> cap_names(CapSet set) {
  std::vector<std::string> result;
  for (unsigned cap = 0; cap < names.size(); ++cap)
    if (set.has(cap)) result.emplace_back(names[cap]);
  return result;
}

CapSet host_caps() {
  CapSet set;
  for (unsigned cap = 0; cap < 64; ++cap) {
    const int held = ::prctl(PR_CAPBSET_READ, static_cast<unsigned long>(cap), 0UL, 0UL, 0UL);
    if (held < 0) break;  // EINVAL: past the kernel's last capability
    if (held == 1) set = set.with(cap);
  }
  return set;
}

CapDecision effective_caps(std::span<const std::string> add, std::span<const std::string> drop,
                           bool privileged, CapSet host) {
  CapDecision decision;
  CapSet named;  // explicitly added, to tell the user what cannot be had
  const auto number = [&](const std::string& word) {
    const std::optional<unsigned> cap = word == "ALL" ? std::nullopt : cap_number(word);
    if (!cap && word != "ALL") decision.unknown.push_back(word);
    return cap;
  };

  CapSet set = default_caps;
  if (holds_all(add)) set = host;
  if (holds_all(drop)) set = {};
  for (const std::string& word : add)
    if (const auto cap = number(word)) named = named.with(*cap);
  set = set | named;
  for (const std::string& word : drop)
    if (const auto cap = number(word)) {
      set = set.without(*cap);
      named = named.without(*cap);
    }
  if (privileged) set = host;

  decision.set = set & host;
  if (!privileged) decision.unavailable = named - host;
  return decision;
}

}  // namespace pausa::security
