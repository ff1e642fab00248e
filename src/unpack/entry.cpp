#include "unpack/entry.hpp"

#include "sys/error.hpp"
#include "unpack/acl.hpp"

#include <algorithm>
#include <array>

namespace pausa::unpack {
namespace {

constexpr std::string_view whiteout_prefix = ".wh.";
constexpr std::string_view opaque_name = ".wh..wh..opq";
constexpr std::string_view bookkeeping_prefix = ".wh..wh.";  // of aufs; nobody reads it
constexpr std::int64_t latest = std::int64_t{1} << 34U;      // ext4's last second
constexpr std::int64_t highest_id = 0xfffffffe;              // (uid_t)-1 means "no change"

[[noreturn]] void refuse(std::string_view path, const std::string& why) {
  throw sys::Error("entry \"" + shown(path) + "\": " + why);
}

// The nodes that every container has anyway; whatever else a node opens is the host's.
bool is_harmless(unsigned major, unsigned minor) {
  constexpr std::array<std::pair<unsigned, unsigned>, 8> known{
      {{1, 3}, {1, 5}, {1, 7}, {1, 8}, {1, 9}, {5, 0}, {5, 1}, {5, 2}}};
  return std::find(known.begin(), known.end(), std::pair(major, minor)) != known.end();
}

// version 2 (20 bytes) or 3 (24, with the root id of a user namespace); capabilities(7). A foreign
// root id is cut off: the capability then counts for whoever runs the container.
bool keep_capability(std::string& value) {
  if (value.size() != 20 && value.size() != 24) return false;
  const auto version = static_cast<unsigned char>(value[3]);
  if (version == 3 && value.size() == 24) {
    value.resize(20);
    value[3] = 2;
    return true;
  }
  return version == 2 && value.size() == 20;
}

bool keep(std::string_view name, std::string& value) {
  if (name == "security.capability") return keep_capability(value);
  if (name == access_acl || name == default_acl) return is_acl(value);
  // overlayfs would obey its own, whoever wrote them.
  return name.starts_with("user.") && !name.starts_with("user.overlay.");
}

std::uint32_t id_of(std::int64_t id, const char* what, std::string_view path) {
  if (id < 0 || id > highest_id)
    refuse(path, std::string(what) + " " + std::to_string(id) + " is out of range");
  return static_cast<std::uint32_t>(id);
}

}  // namespace

std::uint64_t most_unpacked_bytes(std::uint64_t compressed_bytes) {
  constexpr std::uint64_t base = std::uint64_t{256} << 20U;
  constexpr std::uint64_t growth = 64;
  return std::min(base + compressed_bytes * growth, Limits().bytes);
}

Limits limits_of(std::uint64_t compressed_bytes) {
  constexpr std::uint64_t base = 50'000;
  constexpr std::uint64_t bytes_an_entry = 32;  // honest layers have hundreds
  Limits limits;
  limits.bytes = most_unpacked_bytes(compressed_bytes);
  limits.entries = std::min(limits.entries, base + compressed_bytes / bytes_an_entry);
  return limits;
}

std::string shown(std::string_view name) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char c : name) {
    if (text.size() > 200) return text + "…";
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f && byte != '\\') {
      text += c;
    } else {
      text += "\\x";
      text += digits[byte >> 4U];
      text += digits[byte & 15U];
    }
  }
  return text;
}

std::string normal_path(std::string_view path, const Limits& limits) {
  if (path.size() > limits.path_bytes)
    refuse(path, "its path is longer than " + std::to_string(limits.path_bytes) + " bytes");
  if (path.find('\0') != std::string_view::npos) refuse(path, "its path holds a zero byte");
  std::string normal;
  std::size_t depth = 0;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view name = path.substr(at, end - at);
    at = end + 1;
    if (name.empty() || name == ".") continue;
    if (name == "..") refuse(path, "its path leads upwards");
    if (name.size() > limits.name_bytes)
      refuse(path,
             "a name in its path is longer than " + std::to_string(limits.name_bytes) + " bytes");
    if (++depth > limits.depth)
      refuse(path, "it lies deeper than " + std::to_string(limits.depth) + " folders");
    if (!normal.empty()) normal += '/';
    normal += name;
  }
  return normal;
}

std::optional<Entry> plan(RawEntry raw, const Limits& limits) {
  Entry entry;
  entry.kind = raw.kind;
  const std::string path = normal_path(raw.path, limits);
  const std::size_t slash = path.rfind('/');
  entry.parent = slash == std::string::npos ? "" : path.substr(0, slash);
  entry.name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (entry.name.empty() && raw.kind != Kind::directory)
    refuse(raw.path, "only a directory can be the root");
  if (raw.path.ends_with('/') && raw.kind != Kind::directory)
    refuse(raw.path, "it ends with a slash and is no directory");

  for (std::size_t at = 0; at < entry.parent.size();) {
    const std::string_view above = std::string_view(entry.parent).substr(at);
    if (above.starts_with(bookkeeping_prefix)) return std::nullopt;
    if (above.starts_with(whiteout_prefix)) refuse(raw.path, "it lies below a whiteout");
    at = std::min(entry.parent.find('/', at), entry.parent.size() - 1) + 1;
  }
  if (entry.name.starts_with(whiteout_prefix)) {
    if (entry.name == opaque_name) {
      entry.kind = Kind::opaque;
      entry.name.clear();
      return entry;
    }
    if (entry.name.starts_with(bookkeeping_prefix)) return std::nullopt;
    entry.name.erase(0, whiteout_prefix.size());
    if (entry.name.empty() || entry.name == "." || entry.name == "..")
      refuse(raw.path, "it whites out nothing that can be there");
    entry.kind = Kind::whiteout;
    return entry;
  }

  if (raw.kind == Kind::block ||
      (raw.kind == Kind::character && !is_harmless(raw.major, raw.minor)))
    refuse(raw.path, "a device node " + std::to_string(raw.major) + ":" +
                         std::to_string(raw.minor) + " in an image");
  if (raw.kind == Kind::symlink) {
    if (raw.link.empty() || raw.link.size() >= limits.path_bytes ||
        raw.link.find('\0') != std::string::npos)
      refuse(raw.path, "its link leads nowhere");
    entry.link = std::move(raw.link);
  } else if (raw.kind == Kind::hardlink) {
    entry.link = normal_path(raw.link, limits);
    if (entry.link.empty()) refuse(raw.path, "it is a hard link to the root");
    if (entry.link == path) refuse(raw.path, "it is a hard link to itself");
  }
  if (raw.kind == Kind::file) {
    if (raw.size < 0 || static_cast<std::uint64_t>(raw.size) > limits.bytes)
      refuse(raw.path, "its size " + std::to_string(raw.size) + " is beyond the layer's limit of " +
                           std::to_string(limits.bytes) + " bytes");
    entry.size = static_cast<std::uint64_t>(raw.size);
  }
  entry.mode = raw.mode & 07777U;
  entry.uid = id_of(raw.uid, "user id", raw.path);
  entry.gid = id_of(raw.gid, "group id", raw.path);
  entry.mtime = std::clamp(raw.mtime, -latest, latest);
  entry.mtime_ns = raw.mtime_ns < 1'000'000'000 ? raw.mtime_ns : 0;
  entry.major = raw.major;
  entry.minor = raw.minor;
  for (auto& [name, value] : raw.xattrs)
    if (value.size() <= limits.xattr_bytes && keep(name, value))
      entry.xattrs.emplace_back(std::move(name), std::move(value));
  return entry;
}

}  // namespace pausa::unpack
