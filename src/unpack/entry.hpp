// What an entry of a layer asks for, made safe: paths as components below the layer's root, what
// is a whiteout, and the limits that nobody's tar may pass. Pure. A layer is hostile; what cannot
// be meant well is refused with the entry's name, nothing is guessed.
//
// Whiteouts: "Representing Changes" of the OCI image layer specification.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pausa::unpack {

struct Limits {
  std::uint64_t bytes = std::uint64_t{64} << 30U;  // all files of the layer together
  std::uint64_t entries = 1'000'000;
  std::size_t path_bytes = 4096;
  std::size_t name_bytes = 255;
  std::size_t depth = 255;
  std::size_t xattr_bytes = 64U << 10U;  // one value (xattr(7))
};

// The limits of a layer whose blob has so many bytes.
Limits limits_of(std::uint64_t compressed_bytes);

// How much a compressed layer may grow: honest ones stay far below, a bomb does not.
std::uint64_t most_unpacked_bytes(std::uint64_t compressed_bytes);

enum class Kind : std::uint8_t {
  file,
  directory,
  symlink,
  hardlink,
  fifo,
  character,
  block,
  whiteout,
  opaque
};

// As the archive has it. Names are bytes.
struct RawEntry {
  Kind kind = Kind::file;  // never whiteout or opaque
  std::string path;
  std::string link;  // of a symlink as it is, of a hardlink a path of the archive
  std::uint32_t mode = 0;
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  std::int64_t size = 0;
  std::int64_t mtime = 0;
  std::uint32_t mtime_ns = 0;
  unsigned major = 0;
  unsigned minor = 0;
  std::vector<std::pair<std::string, std::string>> xattrs;
};

struct Entry {
  Kind kind = Kind::file;
  std::string parent;  // relative, "" is the root
  std::string name;    // one component; "" is the root itself (a directory)
  std::string link;    // of a hardlink: relative path below the root
  mode_t mode = 0;     // permission bits
  uid_t uid = 0;
  gid_t gid = 0;
  std::uint64_t size = 0;
  std::int64_t mtime = 0;
  std::uint32_t mtime_ns = 0;
  unsigned major = 0;
  unsigned minor = 0;
  std::vector<std::pair<std::string, std::string>> xattrs;
};

// nullopt: the entry is left out for good reason (bookkeeping of other stores). Throws sys::Error
// with the entry's name where it is refused.
std::optional<Entry> plan(RawEntry raw, const Limits& limits);

// A path of an archive as one below the root: no empty component, no ".", and never "..", which
// throws. Absolute ones are seen from the root.
std::string normal_path(std::string_view path, const Limits& limits);

// For people: unprintable bytes as \xNN, at most 200 characters.
std::string shown(std::string_view name);

}  // namespace pausa::unpack
