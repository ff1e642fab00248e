// Any bytes may be handed to the unpacker: it answers with entries that are safe, or with a
// sentence.
#include "sys/error.hpp"
#include "sys/fd.hpp"
#include "unpack/acl.hpp"
#include "unpack/tar.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using namespace pausa;

bool is_safe(const std::string& path) {
  if (path.starts_with('/') || path.find('\0') != std::string::npos) return false;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string name = path.substr(at, end - at);
    if (name.empty() || name == "." || name == ".." || name.size() > 255) return false;
    at = end + 1;
  }
  return true;
}

// What looks like a header gets the checksum that it should have: else few would be looked at.
std::string mended(const std::uint8_t* data, std::size_t size) {
  std::string tar(reinterpret_cast<const char*>(data), size);
  constexpr std::size_t block = 512;
  for (std::size_t at = 0; at + block <= tar.size(); at += block) {
    if (tar.compare(at + 257, 5, "ustar") != 0) continue;
    tar.replace(at + 148, 8, 8, ' ');
    unsigned sum = 0;
    for (std::size_t i = 0; i < block; ++i) sum += static_cast<unsigned char>(tar[at + i]);
    std::string digits(6, '0');
    for (std::size_t i = digits.size(); i-- > 0; sum /= 8)
      digits[i] = static_cast<char>('0' + sum % 8);
    tar.replace(at + 148, 6, digits).replace(at + 154, 2, "\0 ", 2);
  }
  return tar;
}

class Judge : public unpack::Sink {
 public:
  void add(const unpack::Entry& entry) override {
    if (!is_safe(entry.parent) || !is_safe(entry.name) ||
        entry.name.find('/') != std::string::npos || (entry.mode & ~07777U) != 0 ||
        entry.uid == static_cast<uid_t>(-1) || entry.gid == static_cast<gid_t>(-1) ||
        entry.mtime_ns >= 1'000'000'000)
      std::abort();
    if (entry.kind == unpack::Kind::hardlink && (entry.link.empty() || !is_safe(entry.link)))
      std::abort();
    for (const auto& [name, value] : entry.xattrs) {
      const bool acl = name == unpack::access_acl || name == unpack::default_acl;
      if (acl ? !unpack::is_acl(value)
              : name != "security.capability" &&
                    (!name.starts_with("user.") || name.starts_with("user.overlay.")))
        std::abort();
    }
  }
  void write(std::string_view, std::uint64_t) override {}
  void finish() override {}
};

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const sys::UniqueFd blob(::memfd_create("blob", MFD_CLOEXEC));
  const std::string tar = mended(data, size);
  if (::write(blob.get(), tar.data(), tar.size()) != static_cast<ssize_t>(size)) std::abort();
  (void)::lseek(blob.get(), 0, SEEK_SET);
  constexpr std::uint64_t most_bytes = 4U << 20U;
  try {
    Judge judge;
    unpack::LayerStream stream(blob.get(), "", "", most_bytes);
    unpack::unpack_tar(stream, judge, unpack::limits_of(size), unpack::Contents::layer);
    stream.finish();
  } catch (const sys::Error& error) {
    if (*error.what() == '\0') std::abort();
  }
  return 0;
}
