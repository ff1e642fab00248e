#include "security/sysctl.hpp"

#include <algorithm>

namespace pausa::security {
namespace {

constexpr std::size_t longest_name = 253;

constexpr std::string_view safe[] = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
};

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

std::string swapped(std::string_view name) {
  std::string result(name);
  for (char& c : result) {
    if (c == '.')
      c = '/';
    else if (c == '/')
      c = '.';
  }
  return result;
}

}  // namespace

bool sysctl_name_is_valid(std::string_view name) {
  if (name.empty() || name.size() > longest_name) return false;
  // Each part begins and ends with a letter or a digit, so that neither "." nor ".." nor an empty
  // one can occur.
  bool separated = true;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool separator = c == '.' || c == '/';
    const bool last_of_part = i + 1 == name.size() || name[i + 1] == '.' || name[i + 1] == '/';
    if (separator && (separated || i + 1 == name.size())) return false;
    if (!separator && !is_plain(c) && (separated || last_of_part || (c != '-' && c != '_')))
      return false;
    separated = separator;
  }
  return true;
}

std::string dotted_sysctl(std::string_view name) {
  const std::size_t first = name.find_first_of("./");
  if (first == std::string_view::npos || name[first] == '.') return std::string(name);
  return swapped(name);
}

std::string sysctl_path(std::string_view dotted) {
  return swapped(dotted);
}

SysctlScope sysctl_scope(std::string_view dotted) {
  if (dotted.starts_with("net.")) return SysctlScope::net;
  if (dotted == "kernel.sem" || dotted.starts_with("kernel.shm") ||
      dotted.starts_with("kernel.msg") || dotted.starts_with("fs.mqueue."))
    return SysctlScope::ipc;
  return SysctlScope::none;
}

bool sysctl_is_safe(std::string_view dotted) {
  return std::ranges::find(safe, dotted) != std::end(safe);
}

bool sysctl_matches(std::string_view dotted, std::string_view pattern) {
  if (!pattern.ends_with('*')) return dotted == pattern;
  return dotted.starts_with(pattern.substr(0, pattern.size() - 1));
}

}  // namespace pausa::security
