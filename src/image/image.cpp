#include "image/image.hpp"

#include "image/busybox.hpp"
#include "image/host.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <optional>

namespace pausa::image {
namespace {

constexpr const char* usual_path =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr std::string_view dir_scheme = "dir:";
constexpr std::string_view host_scheme = "host:";
constexpr const char* ways =
    "images from registries and archives come in a later version; use busybox (built in),"
    " dir:PATH (a root file system in a directory) or host: (this machine's own files)";

bool is_tag(std::string_view tag) {
  const auto word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !tag.empty() && tag.size() <= 128 && word(tag.front()) &&
         std::all_of(tag.begin(), tag.end(),
                     [&](char c) { return word(c) || c == '.' || c == '-'; });
}

// "busybox" and its longer spellings, less the registry; what follows is empty or ":TAG" or "@…".
std::optional<std::string_view> after_busybox(std::string_view image) {
  for (const std::string_view prefix : {"docker.io/", "index.docker.io/"})
    if (image.starts_with(prefix)) {
      image.remove_prefix(prefix.size());
      break;
    }
  for (const std::string_view name : {"library/busybox", "busybox"}) {
    if (!image.starts_with(name)) continue;
    image.remove_prefix(name.size());
    if (image.empty() || image.front() == ':' || image.front() == '@') return image;
    return std::nullopt;
  }
  return std::nullopt;
}

bool has_shell(int root) {
  const auto shell = sys::try_open_in_root(root, "/bin/sh", O_PATH);
  return static_cast<bool>(shell);
}

ResolvedImage resolve_busybox(std::string_view image, const Store& store) {
  ResolvedImage resolved;
  resolved.layers.push_back(assemble_busybox(store));
  resolved.description = "busybox of this machine (" + find_busybox() + ")";
  resolved.config.cmd = {"sh"};
  resolved.reference = image;
  return resolved;
}

ResolvedImage resolve_dir(std::string_view image) {
  const std::string path(image.substr(dir_scheme.size()));
  if (!path.starts_with('/')) throw sys::Error("image " + std::string(image) + ": not absolute");
  ResolvedImage resolved;
  resolved.reference = image;
  resolved.description = "directory " + path;
  resolved.layers = {path};
  try {
    const auto root = sys::open_dir(path);
    const auto machine = sys::open_dir("/");
    struct stat its {};
    struct stat own {};
    if (::fstat(root.get(), &its) == 0 && ::fstat(machine.get(), &own) == 0 &&
        its.st_dev == own.st_dev && its.st_ino == own.st_ino)
      throw sys::Error("that is this machine's root; host: runs on it, without its secrets");
    if (has_shell(root.get())) resolved.config.cmd = {"/bin/sh"};
  } catch (sys::Error& error) {
    error.prepend("image " + std::string(image));
    throw;
  }
  return resolved;
}

ResolvedImage resolve_host(std::string_view image, const Store& store) {
  ResolvedImage resolved;
  resolved.reference = image;
  resolved.description = "this machine's root, read-only below a private layer";
  resolved.layers = {"/"};
  resolved.host_root = true;
  resolved.config.cmd = {"/bin/sh"};
  resolved.masked_paths = paths_to_mask("/", {store.data_dir()});
  return resolved;
}

}  // namespace

std::vector<std::string> Store::contents() const {
  std::vector<std::string> paths;
  const auto dir = sys::try_open_at(AT_FDCWD, rootfs_dir(), O_RDONLY | O_DIRECTORY);
  if (!dir) return paths;
  for (const std::string& name : sys::list_dir(dir.get()))
    paths.push_back(rootfs_dir() + "/" + name);
  return paths;
}

void Store::remove_all() const {
  sys::remove_tree_at(AT_FDCWD, rootfs_dir());
}

std::string check_reference(std::string_view image) {
  if (image == host_scheme) return "";
  if (image.starts_with(host_scheme)) return "host: takes nothing behind the colon";
  if (image.starts_with(dir_scheme))
    return image.size() > dir_scheme.size() ? "" : "dir: needs the path of a directory";
  const auto rest = after_busybox(image);
  if (!rest) return ways;
  if (rest->find('@') != std::string_view::npos)
    return "a digest asks for exact contents, which the built-in busybox does not have; leave the"
           " digest out";
  if (!rest->empty() && !is_tag(rest->substr(1))) return "the tag is malformed";
  return "";
}

ResolvedImage resolve(std::string_view image, const Store& store) {
  const std::string problem = check_reference(image);
  if (!problem.empty()) throw sys::Error("image " + std::string(image) + ": " + problem);
  ResolvedImage resolved;
  if (image.starts_with(dir_scheme))
    resolved = resolve_dir(image);
  else if (image.starts_with(host_scheme))
    resolved = resolve_host(image, store);
  else
    resolved = resolve_busybox(image, store);
  resolved.config.env = {usual_path};
  return resolved;
}

}  // namespace pausa::image
