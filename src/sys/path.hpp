// Files and directories by handle: a path is resolved once, the descriptor is used to the end.
// Every descriptor made here is close-on-exec. A dirfd is borrowed and may be AT_FDCWD; a path that
// begins with "/" ignores it, as in openat(2). Failures throw sys::Error with the path in the text.
// Not for child zones, whose files and directories are opened by the parent beforehand.
//
// Two kinds of trees: what we or the user made is walked as openat(2) does; what an image or a
// volume brought is hostile and is walked by the functions named in_root, for which `/`, `..` and
// symbolic links end at the root's descriptor (openat2(2), Linux 5.6).
#pragma once

#include "sys/fd.hpp"

#include <fcntl.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pausa::sys {

// Opens a directory for reading: good for *at() calls, for listing and for fchmod.
UniqueFd open_dir(const std::string& path);
UniqueFd open_at(int dirfd, const std::string& path, int flags, mode_t mode = 0);
// As open_at, but an empty owner when nothing is there (ENOENT, or ENOTDIR on the way).
UniqueFd try_open_at(int dirfd, const std::string& path, int flags, mode_t mode = 0);

// Resolves inside rootfd and nowhere else, and refuses the magic links of procfs. The mode counts
// with O_CREAT or O_TMPFILE only.
UniqueFd open_in_root(int rootfd, std::string_view path, std::uint64_t flags, mode_t mode = 0);
UniqueFd try_open_in_root(int rootfd, std::string_view path, std::uint64_t flags, mode_t mode = 0);

// mkdir -p, one component at a time. Gives the last one, readable. New directories get the mode
// less the umask; those that exist keep theirs.
UniqueFd make_dirs_at(int dirfd, std::string_view path, mode_t mode);
// The same inside a root. A dangling symbolic link on the way has its target made, inside the root.
UniqueFd make_dirs_in_root(int rootfd, std::string_view path, mode_t mode);

// The contents of a regular file (procfs and cgroupfs count), nullopt when it is not there. More
// than max_bytes is an error, and so are FIFOs and devices, which are never waited for.
std::optional<std::string> read_file_at(int dirfd, const std::string& path, std::size_t max_bytes);
// What is left of an open file; what names it in an error.
std::string read_all(int fd, std::size_t max_bytes, std::string_view what);

// One write(2) into a file that exists, as the files of procfs and cgroupfs want it.
void write_file_at(int dirfd, const std::string& path, std::string_view text);
// Makes or truncates a file. The mode is exact, whatever the umask.
void create_file_at(int dirfd, const std::string& path, std::string_view text, mode_t mode);
// Puts a new file in the place of `name` in one step: a reader sees the old text or the new one.
// No fsync: for tmpfs, or for what a power cut may take.
void replace_file_at(int dirfd, const std::string& name, std::string_view text, mode_t mode);

// Removes a file or a whole tree; nothing there is success. Never follows a symbolic link, never
// enters a mount, needs a fixed number of descriptors at any depth: subdirectories are moved up to
// the top before they are emptied. Removes all it can, then throws the first failure.
void remove_tree_at(int dirfd, const std::string& path);

// Names in a directory, sorted, without "." and "..". The descriptor's own offset is left alone.
std::vector<std::string> list_dir(int dirfd);

}  // namespace pausa::sys
