#include "security/idmap.hpp"

#include "sys/error.hpp"
#include "sys/fd.hpp"
#include "sys/path.hpp"
#include "sys/tool.hpp"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace pausa::security {
namespace {

constexpr std::size_t most_file_bytes = 1 << 20;
constexpr std::uint32_t invalid_id = UINT32_MAX;  // (uid_t)-1 means "no change" to the kernel
constexpr std::size_t most_ranges = 340;          // user_namespaces(7), since Linux 4.15

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string_view take(std::string_view& rest, char separator) {
  const std::size_t at = rest.find(separator);
  const std::string_view head = rest.substr(0, at);
  rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + 1);
  return head;
}

std::string host_file(const char* path) {
  return sys::read_file_at(AT_FDCWD, path, most_file_bytes).value_or("");
}

std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  return text;
}

void run_helper(const std::string& name, pid_t pid, const IdMap& map, const char* file) {
  const std::string path = sys::find_tool(name);
  if (path.empty()) {
    sys::Error error("map the user namespace: " + name + " is not installed");
    error.advise("install the package uidmap (Debian, Ubuntu) or shadow-utils (Fedora, RHEL)");
    throw error;
  }
  sys::ToolRequest request;
  request.program = path;
  request.arguments = {name, std::to_string(pid)};
  for (const IdRange& range : map)
    for (const std::uint32_t part : {range.inside, range.outside, range.count})
      request.arguments.push_back(std::to_string(part));
  const auto result = sys::Tool(request).wait();
  if (result.code == 0) return;
  const std::string said = one_line(result.errors);
  sys::Error error("map the user namespace: " + (said.empty() ? name + " failed" : said));
  error.advise(std::string("check the ranges of this user in ") + file + " and that " + path +
               " is set-user-ID root or has its file capability");
  throw error;
}

bool is_single(const IdMap& map) {
  return map.size() == 1 && map.front().count == 1;
}

void write_map(pid_t pid, const char* file, const IdMap& map) {
  const std::string path = "/proc/" + std::to_string(pid) + '/' + file;
  try {
    sys::write_file_at(AT_FDCWD, path, map_text(map));
  } catch (sys::Error& error) {
    error.prepend("map the user namespace");
    throw;
  }
}

void check_map(const IdMap& map, const char* what) {
  if (map.empty()) throw sys::Error(std::string("map the user namespace: no ") + what);
  if (map.size() > most_ranges)
    throw sys::Error(std::string("map the user namespace: more than 340 ranges of ") + what);
}

}  // namespace

std::vector<SubIds> parse_subids(std::string_view text, std::string_view name, std::uint32_t uid) {
  const std::string by_number = std::to_string(uid);
  std::vector<SubIds> result;
  while (!text.empty()) {
    std::string_view line = take(text, '\n');
    if (std::ranges::count(line, ':') != 2) continue;
    const std::string_view owner = take(line, ':');
    if (owner != by_number && (name.empty() || owner != name)) continue;
    const auto first = number(take(line, ':'));
    const auto count = number(line);
    if (!first || !count || *count == 0 || *first > invalid_id - *count) continue;
    result.push_back({*first, *count});
  }
  return result;
}

std::string parse_user_name(std::string_view passwd, std::uint32_t uid) {
  while (!passwd.empty()) {
    std::string_view line = take(passwd, '\n');
    const std::string_view name = take(line, ':');
    (void)take(line, ':');
    if (!name.empty() && number(take(line, ':')) == uid) return std::string(name);
  }
  return {};
}

IdMap rootless_map(std::uint32_t own, const std::vector<SubIds>& subordinate) {
  IdMap map{{0, own, 1}};
  std::uint32_t next = 1;
  for (const SubIds& range : subordinate) {
    const std::uint32_t count = std::min(range.count, invalid_id - next);
    if (count == 0 || map.size() == most_ranges) break;
    map.push_back({next, range.first, count});
    next += count;
  }
  return map;
}

IdMap rootful_block(std::uint32_t base) {
  return {{0, base, block_size}};
}

std::uint32_t ids_from_zero(const IdMap& map) {
  std::uint64_t next = 0;
  for (bool grown = true; grown;) {
    grown = false;
    for (const IdRange& range : map)
      if (range.inside == next && range.count != 0) {
        next += range.count;
        grown = true;
      }
  }
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(next, invalid_id));
}

std::optional<std::uint32_t> outside_of(const IdMap& map, std::uint32_t inside) {
  for (const IdRange& range : map)
    if (inside >= range.inside && inside - range.inside < range.count)
      return range.outside + (inside - range.inside);
  return std::nullopt;
}

std::string map_text(const IdMap& map) {
  std::string text;
  for (const IdRange& range : map)
    text += std::to_string(range.inside) + ' ' + std::to_string(range.outside) + ' ' +
            std::to_string(range.count) + '\n';
  return text;
}

bool IdMaps::groups_denied() const {
  return is_single(gids);
}

IdMaps rootless_maps() {
  const std::uint32_t uid = ::geteuid();
  const std::uint32_t gid = ::getegid();
  const std::string name = parse_user_name(host_file("/etc/passwd"), uid);
  const auto uids = parse_subids(host_file("/etc/subuid"), name, uid);
  const auto gids = parse_subids(host_file("/etc/subgid"), name, uid);
  const bool usable = !uids.empty() && !gids.empty() && !sys::find_tool("newuidmap").empty() &&
                      !sys::find_tool("newgidmap").empty();
  if (!usable) return {rootless_map(uid, {}), rootless_map(gid, {})};
  return {rootless_map(uid, uids), rootless_map(gid, gids)};
}

void write_id_maps(pid_t pid, const IdMaps& maps) {
  check_map(maps.uids, "user ids");
  check_map(maps.gids, "group ids");
  if (::geteuid() == 0) {
    write_map(pid, "uid_map", maps.uids);
    write_map(pid, "gid_map", maps.gids);
    return;
  }
  if (is_single(maps.uids))
    write_map(pid, "uid_map", maps.uids);
  else
    run_helper("newuidmap", pid, maps.uids, "/etc/subuid");
  if (is_single(maps.gids)) {
    sys::write_file_at(AT_FDCWD, "/proc/" + std::to_string(pid) + "/setgroups", "deny");
    write_map(pid, "gid_map", maps.gids);
  } else {
    run_helper("newgidmap", pid, maps.gids, "/etc/subgid");
  }
}

}  // namespace pausa::security
