#include "unpack/tar.hpp"

#include "sys/error.hpp"
#include "unpack/acl.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>

#include <memory>

namespace pausa::unpack {
namespace {

using Archive = std::unique_ptr<archive, decltype(&::archive_read_free)>;

la_ssize_t read_stream(archive* from, void* stream, const void** buffer) {
  try {
    const auto bytes = static_cast<LayerStream*>(stream)->next();
    *buffer = bytes.data();
    return static_cast<la_ssize_t>(bytes.size());
  } catch (const std::exception& error) {
    // Not through libarchive's C frames: told again behind them.
    ::archive_set_error(from, EINVAL, "%s", error.what());
    return -1;
  }
}

[[noreturn]] void fail(archive* from) {
  const char* why = ::archive_error_string(from);
  throw sys::Error(why != nullptr ? shown(why) : "the archive is broken");
}

Kind kind_of(archive_entry* from) {
  if (::archive_entry_hardlink(from) != nullptr) return Kind::hardlink;
  switch (::archive_entry_filetype(from)) {
    case AE_IFREG:
      return Kind::file;
    case AE_IFDIR:
      return Kind::directory;
    case AE_IFLNK:
      return Kind::symlink;
    case AE_IFIFO:
      return Kind::fifo;
    case AE_IFCHR:
      return Kind::character;
    case AE_IFBLK:
      return Kind::block;
    default:
      throw sys::Error("an entry of an unknown type");
  }
}

// ACLs as text (SCHILY.acl.access, SCHILY.acl.default) become the attributes that they are to the
// kernel; the three entries that say what the mode says are no ACL.
void add_acl(archive_entry* from, int type, std::string_view attribute, RawEntry& raw) {
  constexpr int more_than_the_mode = 4;
  if (::archive_entry_acl_reset(from, type) < more_than_the_mode &&
      type == ARCHIVE_ENTRY_ACL_TYPE_ACCESS)
    return;
  std::vector<AclEntry> entries;
  int found = 0;
  int permissions = 0;
  int tag = 0;
  int id = 0;
  const char* name = nullptr;
  while (::archive_entry_acl_next(from, type, &found, &permissions, &tag, &id, &name) ==
         ARCHIVE_OK) {
    AclEntry entry;
    switch (tag) {
      case ARCHIVE_ENTRY_ACL_USER_OBJ:
        entry.tag = AclTag::user_obj;
        break;
      case ARCHIVE_ENTRY_ACL_USER:
        entry.tag = AclTag::user;
        break;
      case ARCHIVE_ENTRY_ACL_GROUP_OBJ:
        entry.tag = AclTag::group_obj;
        break;
      case ARCHIVE_ENTRY_ACL_GROUP:
        entry.tag = AclTag::group;
        break;
      case ARCHIVE_ENTRY_ACL_MASK:
        entry.tag = AclTag::mask;
        break;
      case ARCHIVE_ENTRY_ACL_OTHER:
        entry.tag = AclTag::other;
        break;
      default:
        return;
    }
    entry.permissions = static_cast<std::uint16_t>(permissions & 7);
    // A name alone is nobody's number here.
    entry.id = static_cast<std::uint32_t>(id);
    entries.push_back(entry);
  }
  if (!entries.empty()) raw.xattrs.emplace_back(attribute, acl_value(std::move(entries)));
}

RawEntry raw_entry(archive_entry* from) {
  RawEntry raw;
  const char* path = ::archive_entry_pathname(from);
  if (path == nullptr) throw sys::Error("an entry without a name");
  raw.path = path;
  try {
    raw.kind = kind_of(from);
  } catch (sys::Error& error) {
    error.prepend("entry \"" + shown(raw.path) + "\"");
    throw;
  }
  if (const char* target = raw.kind == Kind::hardlink ? ::archive_entry_hardlink(from)
                                                      : ::archive_entry_symlink(from))
    raw.link = target;
  raw.mode = ::archive_entry_perm(from);
  raw.uid = ::archive_entry_uid(from);
  raw.gid = ::archive_entry_gid(from);
  raw.size = ::archive_entry_size(from);
  raw.mtime = ::archive_entry_mtime(from);
  raw.mtime_ns = static_cast<std::uint32_t>(::archive_entry_mtime_nsec(from));
  if (raw.kind == Kind::character || raw.kind == Kind::block) {
    raw.major = static_cast<unsigned>(::archive_entry_rdevmajor(from));
    raw.minor = static_cast<unsigned>(::archive_entry_rdevminor(from));
  }
  (void)::archive_entry_xattr_reset(from);
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  while (::archive_entry_xattr_next(from, &name, &value, &size) == ARCHIVE_OK)
    raw.xattrs.emplace_back(name, std::string(static_cast<const char*>(value), size));
  if ((::archive_entry_acl_types(from) & ARCHIVE_ENTRY_ACL_TYPE_POSIX1E) != 0) {
    add_acl(from, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, access_acl, raw);
    add_acl(from, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, default_acl, raw);
  }
  return raw;
}

void copy_data(archive* from, Sink& sink) {
  for (;;) {
    const void* bytes = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    const int result = ::archive_read_data_block(from, &bytes, &size, &offset);
    if (result == ARCHIVE_EOF) return;
    if (result != ARCHIVE_OK) fail(from);
    if (offset < 0) throw sys::Error("a piece of a file before its beginning");
    if (size > 0)
      sink.write({static_cast<const char*>(bytes), size}, static_cast<std::uint64_t>(offset));
  }
}

Archive open_tar(LayerStream& stream) {
  Archive tar(::archive_read_new(), &::archive_read_free);
  if (!tar) throw std::bad_alloc();
  (void)::archive_read_support_format_tar(tar.get());
  (void)::archive_read_support_format_empty(tar.get());
  // Names are bytes; extensions of macOS are ordinary files here.
  (void)::archive_read_set_options(tar.get(),
                                   "hdrcharset=BINARY,!mac-ext,!read_concatenated_archives");
  if (::archive_read_open(tar.get(), &stream, nullptr, read_stream, nullptr) != ARCHIVE_OK)
    fail(tar.get());
  return tar;
}

}  // namespace

void unpack_tar(LayerStream& stream, Sink& sink, const Limits& limits, Contents contents) {
  const Archive tar = open_tar(stream);
  for (std::uint64_t entries = 1;; ++entries) {
    archive_entry* from = nullptr;
    const int result = ::archive_read_next_header(tar.get(), &from);
    if (result == ARCHIVE_EOF) break;
    if (result != ARCHIVE_OK) fail(tar.get());
    // Millions of entries that take no place are refused long before the end.
    if (entries > limits_of(stream.taken()).entries)
      throw sys::Error("the layer has more than " + std::to_string(entries - 1) +
                       " entries in its first " + std::to_string(stream.taken()) + " bytes");
    auto entry = plan(raw_entry(from), limits);
    if (!entry) continue;
    if (contents == Contents::files) {
      if (entry->kind != Kind::file && entry->kind != Kind::directory) continue;
      entry->mode = entry->kind == Kind::file ? 0600 : 0700;
      entry->xattrs.clear();
    }
    sink.add(*entry);
    if (entry->kind == Kind::file && entry->size > 0) copy_data(tar.get(), sink);
  }
  sink.finish();
}

std::optional<std::string> find_member(LayerStream& stream, std::string_view path,
                                       std::size_t most_bytes) {
  const Archive tar = open_tar(stream);
  for (;;) {
    archive_entry* from = nullptr;
    const int result = ::archive_read_next_header(tar.get(), &from);
    if (result == ARCHIVE_EOF) return std::nullopt;
    if (result != ARCHIVE_OK) fail(tar.get());
    const char* name = ::archive_entry_pathname(from);
    if (name == nullptr || path != name || ::archive_entry_filetype(from) != AE_IFREG) continue;
    const la_int64_t size = ::archive_entry_size(from);
    if (size < 0 || static_cast<std::uint64_t>(size) > most_bytes) return std::nullopt;
    std::string text(static_cast<std::size_t>(size), '\0');
    if (::archive_read_data(tar.get(), text.data(), text.size()) != size) fail(tar.get());
    return text;
  }
}

}  // namespace pausa::unpack
