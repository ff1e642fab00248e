#include "image/image.hpp"

#include "image/busybox.hpp"
#include "image/host.hpp"
#include "image/library.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <optional>

namespace pausa::image {
namespace {

constexpr const char* usual_path =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr std::string_view dir_scheme = "dir:";
constexpr std::string_view host_scheme = "host:";
constexpr std::array<std::string_view, 4> archives{
    "oci:", "oci-archive:", "docker-archive:", "containers-storage:"};

// The parsed name, or none for what is no name of a library's image.
std::optional<Reference> reference_of(std::string_view image) {
  auto parsed = parse_reference(image);
  if (auto* reference = std::get_if<Reference>(&parsed)) return std::move(*reference);
  return std::nullopt;
}

// Built in, with any tag; a digest asks for exact contents, which it does not have.
bool is_busybox(const Reference& reference) {
  const auto& name = reference.repository;
  return reference.digest.empty() &&
         ((reference.registry.empty() && (name == "busybox" || name == "library/busybox")) ||
          (reference.registry == "docker.io" && name == "library/busybox"));
}

std::optional<StoredImage> find_stored(std::string_view image, const Store& store) {
  const Library library(store.data_dir());
  if (is_archive(image)) return library.find_name(image);
  const auto reference = reference_of(image);
  return reference ? library.find(*reference) : std::nullopt;
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

ResolvedImage resolve_stored(std::string_view image, const StoredImage& stored,
                             const Store& store) {
  const Library library(store.data_dir());
  ResolvedImage resolved;
  resolved.reference = image;
  resolved.description =
      stored.name.substr(0, stored.name.find('@')) + "@" + stored.manifest.digest;
  auto document = library.config(library.manifest(stored));
  library.require_layers(document);
  // The topmost first; a layer that comes twice hides nothing the second time.
  for (auto at = document.diff_ids.rbegin(); at != document.diff_ids.rend(); ++at) {
    auto path = library.layer_path(*at);
    if (std::find(resolved.layers.begin(), resolved.layers.end(), path) == resolved.layers.end())
      resolved.layers.push_back(std::move(path));
  }
  resolved.config = std::move(document.config);
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

ResolvedImage with_path(ResolvedImage resolved) {
  auto& env = resolved.config.env;
  if (std::none_of(env.begin(), env.end(),
                   [](const std::string& entry) { return entry.starts_with("PATH="); }))
    env.insert(env.begin(), usual_path);
  return resolved;
}

}  // namespace

std::vector<std::string> Store::contents() const {
  std::vector<std::string> paths;
  const Library library(data_dir_);
  for (const auto& folder : {rootfs_dir(), library.images_dir(), library.layers_dir()}) {
    const auto dir = sys::try_open_at(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY);
    if (!dir) continue;
    for (const std::string& name : sys::list_dir(dir.get())) paths.push_back(folder + "/" + name);
  }
  return paths;
}

void Store::remove_all() const {
  const Library library(data_dir_);
  for (const auto& folder : {library.images_dir(), library.layers_dir(), rootfs_dir()})
    sys::remove_tree_at(AT_FDCWD, folder);
}

bool is_archive(std::string_view image) {
  return std::any_of(archives.begin(), archives.end(),
                     [&](std::string_view scheme) { return image.starts_with(scheme); });
}

std::string check_reference(std::string_view image) {
  if (image == host_scheme) return "";
  if (image.starts_with(host_scheme)) return "host: takes nothing behind the colon";
  if (image.starts_with(dir_scheme))
    return image.size() > dir_scheme.size() ? "" : "dir: needs the path of a directory";
  if (is_archive(image)) return image.ends_with(':') ? "what is behind the colon is missing" : "";
  auto parsed = parse_reference(image);
  auto* fault = std::get_if<std::string>(&parsed);
  return fault == nullptr ? "" : std::move(*fault);
}

std::optional<Origin> origin_of(std::string_view image) {
  if (image.starts_with(host_scheme) || image.starts_with(dir_scheme)) return std::nullopt;
  if (is_archive(image)) return Origin{std::string(image), std::string(image)};
  const auto reference = reference_of(image);
  if (!reference) throw sys::Error("image " + std::string(image) + ": " + check_reference(image));
  // skopeo takes no tag beside a digest, which says all.
  const auto of_registry = [](const Reference& known) {
    auto source = known;
    if (!source.digest.empty()) source.tag.clear();
    return Origin{"docker://" + source.full(), known.full()};
  };
  if (!reference->registry.empty()) return of_registry(*reference);
  const auto likely = meanings(*reference);
  if (const auto alias = aliased(*reference); alias) return of_registry(*alias);
  throw sys::Error("image " + std::string(image) +
                   ": a name without a registry, which is not guessed; write image: " +
                   likely.front().full() + " if that is meant");
}

bool is_built_in(std::string_view image, const Store& store) {
  const auto reference = reference_of(image);
  return reference && is_busybox(*reference) && !find_stored(image, store);
}

bool is_here(std::string_view image, const Store& store) {
  if (image.starts_with(host_scheme) || image.starts_with(dir_scheme)) return true;
  return is_built_in(image, store) || find_stored(image, store);
}

ResolvedImage resolve_again(std::string_view image, std::string_view description,
                            const Store& store) {
  const std::size_t at = description.rfind('@');
  if (at != std::string_view::npos && is_digest(description.substr(at + 1)))
    for (const auto& stored : Library(store.data_dir()).list())
      if (stored.manifest.digest == description.substr(at + 1)) try {
          auto resolved = with_path(resolve_stored(image, stored, store));
          resolved.description = description;  // the name that it had
          return resolved;
        } catch (const sys::Error&) {
          break;  // damaged: what its name means now will do, or says what is wrong
        }
  return resolve(image, store);
}

ResolvedImage resolve(std::string_view image, const Store& store) {
  const std::string problem = check_reference(image);
  if (!problem.empty()) throw sys::Error("image " + std::string(image) + ": " + problem);
  ResolvedImage resolved;
  if (image.starts_with(dir_scheme)) {
    resolved = resolve_dir(image);
  } else if (image.starts_with(host_scheme)) {
    resolved = resolve_host(image, store);
  } else if (const auto stored = find_stored(image, store)) {
    try {
      resolved = resolve_stored(image, *stored, store);
    } catch (sys::Error& error) {
      error.prepend("image " + std::string(image) + ": damaged");
      error.advise(mending(*stored));
      throw;
    }
  } else if (const auto reference = reference_of(image); reference && is_busybox(*reference)) {
    resolved = resolve_busybox(image, store);
  } else {
    sys::Error error("image " + std::string(image) + " is not on this machine");
    error.advise("pausa image pull " + std::string(image) + " brings it");
    throw error;
  }
  return with_path(std::move(resolved));
}

}  // namespace pausa::image
