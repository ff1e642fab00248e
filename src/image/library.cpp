#include "image/library.hpp"

#include "image/staging.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"
#include "sys/pause.hpp"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <set>

namespace pausa::image {
namespace {

constexpr std::size_t most_index_bytes = std::size_t{64} << 20U;
constexpr std::size_t most_aliases_bytes = std::size_t{1} << 20U;
constexpr std::chrono::seconds use_patience(2);
constexpr const char* layout_mark = "{\"imageLayoutVersion\":\"1.0.0\"}\n";

std::string with_dash(std::string digest) {
  std::replace(digest.begin(), digest.end(), ':', '-');
  return digest;
}

// What lies in a folder and is not to be kept; but for what somebody makes there now.
template <typename Keep>
void find_others(const std::string& path, Keep keep, std::vector<std::string>& found) {
  const auto dir = sys::try_open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
  if (!dir) return;
  for (const auto& name : sys::list_dir(dir.get()))
    if (!keep(name) && (!is_staging(name) || is_abandoned_staging(name)))
      found.push_back(path + "/" + name);
}

void write_index(const std::string& images_dir, const std::vector<StoredImage>& images) {
  std::vector<Descriptor> descriptors;
  for (const auto& image : images) {
    descriptors.push_back(image.manifest);
    descriptors.back().name = image.name;
  }
  write_durably(images_dir, "index.json", index_text(descriptors));
}

// ext4 puts what is made in this folder into a part of the disk of its own each (chattr(1), +T). In
// a part where files were deleted within half a minute it looks at all of their inodes before it
// takes one: a layer of 5,000 files that follows upon a prune takes three times as long there.
void spread(int folder) {
  int flags = 0;
  if (::ioctl(folder, FS_IOC_GETFLAGS, &flags) != 0 || (flags & FS_TOPDIR_FL) != 0) return;
  flags |= FS_TOPDIR_FL;
  (void)::ioctl(folder, FS_IOC_SETFLAGS, &flags);  // other file systems do well without it
}

bool is_own_file(std::string_view name) {
  return name == "blobs" || name == "index.json" || name == "lock" || name == "oci-layout" ||
         name == "use.lock";
}

std::optional<Reference> with_name(const Reference& reference, const std::string& name) {
  auto parsed = parse_reference(name);
  auto* other = std::get_if<Reference>(&parsed);
  if (other == nullptr || other->registry.empty()) return std::nullopt;
  other->tag = reference.tag;
  other->digest = reference.digest;
  return std::move(*other);
}

// An open-file-description lock: gone with whoever held it. Empty: somebody else has it.
sys::UniqueFd lock(const std::string& path, short kind, bool wait) {
  auto fd = sys::open_at(AT_FDCWD, path, O_RDWR | O_CREAT, 0600);
  struct flock range {};
  range.l_type = kind;
  range.l_whence = SEEK_SET;
  while (::fcntl(fd.get(), wait ? F_OFD_SETLKW : F_OFD_SETLK, &range) < 0) {
    if (!wait && (errno == EAGAIN || errno == EACCES)) return sys::UniqueFd();
    if (errno != EINTR) sys::check(-1, "lock ", path);
  }
  return fd;
}

std::optional<sys::UniqueFd> lock_use(const std::string& images_dir, int command) {
  const std::string path = images_dir + "/use.lock";
  sys::UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd && errno == ENOENT) return fd;
  sys::check(fd.get(), "open ", path);
  struct flock range {};
  range.l_type = F_RDLCK;
  range.l_whence = SEEK_SET;
  while (::fcntl(fd.get(), command, &range) < 0) {
    if (command == F_SETLK && (errno == EAGAIN || errno == EACCES)) return std::nullopt;
    if (errno != EINTR) sys::check(-1, "lock ", path);
  }
  return fd;
}

}  // namespace

std::optional<Reference> aliased(const Reference& short_name) {
  for (const char* path : {"/etc/containers/registries.conf.d/shortnames.conf",
                           "/etc/containers/registries.conf.d/000-shortnames.conf",
                           "/usr/share/containers/registries.conf.d/000-shortnames.conf"}) {
    const auto text = sys::read_file_at(AT_FDCWD, path, most_aliases_bytes);
    if (!text) continue;
    if (const auto alias = find_alias(*text, short_name.repository))
      if (auto reference = with_name(short_name, *alias)) return reference;
  }
  return std::nullopt;
}

std::vector<Reference> meanings(const Reference& reference) {
  if (!reference.registry.empty()) return {reference};
  std::vector<Reference> found;
  if (auto alias = aliased(reference)) found.push_back(std::move(*alias));
  for (const char* registry : {"docker.io/", "localhost/"})
    if (auto other = with_name(reference, registry + reference.repository))
      found.push_back(std::move(*other));
  return found;
}

std::string mending(const StoredImage& damaged) {
  const auto& name = damaged.name;
  if (name.empty()) return "pausa image prune removes it when no pod runs on it any more";
  if (name.starts_with("localhost/"))
    return "load or build it again, or give it up: pausa image rm " + name;
  return "pausa image pull " + name + " mends it";
}

std::string Library::blob_path(const std::string& digest) const {
  const std::size_t colon = digest.find(':');
  return blobs_dir() + "/" + digest.substr(0, colon) + "/" + digest.substr(colon + 1);
}

std::string Library::layer_path(const std::string& diff_id) const {
  return layers_dir() + "/" + with_dash(diff_id);
}

void Library::prepare() const {
  const auto images = sys::make_dirs_at(AT_FDCWD, images_dir(), 0700);
  (void)sys::make_dirs_at(AT_FDCWD, blobs_dir() + "/sha256", 0700);
  const auto layers = sys::make_dirs_at(AT_FDCWD, layers_dir(), 0700);
  spread(layers.get());
  if (::faccessat(images.get(), "oci-layout", F_OK, 0) != 0)
    sys::replace_file_at(images.get(), "oci-layout", layout_mark, 0600);
}

std::optional<std::string> Library::read_index() const {
  return sys::read_file_at(AT_FDCWD, images_dir() + "/index.json", most_index_bytes);
}

std::vector<StoredImage> Library::parse(const std::string& text) const {
  std::vector<StoredImage> images;
  try {
    for (auto& descriptor : parse_index(text)) {
      auto name = std::move(descriptor.name);
      images.push_back({std::move(name), std::move(descriptor)});
    }
  } catch (sys::Error& error) {
    error.prepend(images_dir() + "/index.json");
    throw;
  }
  return images;
}

// Hundreds of images take a while to parse, for each name that an `up` asks for: where the index is
// as we write it, only the one entry is.
std::optional<StoredImage> Library::find_in(const std::string& text, std::string_view name) const {
  if (const auto entry = index_entry(text, name)) {
    if (entry->empty()) return std::nullopt;
    auto images = parse(*entry);
    if (images.size() == 1 && images[0].name == name) return std::move(images[0]);
  }
  for (auto& image : parse(text))
    if (image.name == name) return std::move(image);
  return std::nullopt;
}

std::vector<StoredImage> Library::list() const {
  const auto text = read_index();
  return text ? parse(*text) : std::vector<StoredImage>();
}

std::optional<StoredImage> Library::find(const Reference& reference) const {
  const auto text = read_index();
  if (!text) return std::nullopt;
  std::optional<std::vector<StoredImage>> images;
  for (const auto& meaning : meanings(reference)) {
    // Also one that was brought by this digest: it may be that of an index, or of a document which
    // is another one in our layout.
    if (auto image = find_in(*text, meaning.full())) return image;
    if (meaning.digest.empty()) continue;
    if (!images) images = parse(*text);
    Reference wanted = meaning;
    const std::string digest = std::exchange(wanted.digest, "");
    for (const auto& image : *images) {
      if (!wanted.tag.empty() && image.name == wanted.name() + "@" + digest) return image;
      if (image.manifest.digest != digest) continue;
      if (wanted.tag.empty() ? image.name.starts_with(wanted.name() + ":") ||
                                   image.name.starts_with(wanted.name() + "@")
                             : image.name == wanted.full())
        return image;
    }
  }
  return std::nullopt;
}

std::optional<StoredImage> Library::find_name(std::string_view name) const {
  const auto text = read_index();
  return text ? find_in(*text, name) : std::nullopt;
}

std::string Library::read_document(const Descriptor& descriptor, const char* what) const {
  auto text = sys::read_file_at(AT_FDCWD, blob_path(descriptor.digest), most_document_bytes);
  if (!text || text->size() != descriptor.size)
    throw sys::Error(std::string("the image's ") + what + " " + descriptor.digest +
                     (text ? " has another size than it should" : " is gone"));
  return std::move(*text);
}

Manifest Library::manifest(const StoredImage& image) const {
  return parse_manifest(read_document(image.manifest, "manifest"));
}

ConfigDocument Library::config(const Manifest& manifest) const {
  auto document = parse_config(read_document(manifest.config, "config"));
  if (document.diff_ids.size() != manifest.layers.size())
    throw sys::Error("the image has " + std::to_string(manifest.layers.size()) +
                     " layers, its config " + std::to_string(document.diff_ids.size()));
  return document;
}

std::vector<std::string> Library::layer_makers(const Manifest& manifest) const {
  auto makers = parse_layer_makers(read_document(manifest.config, "config"));
  if (makers.size() != manifest.layers.size()) makers.clear();
  return makers;
}

void Library::require_layers(const ConfigDocument& config) const {
  for (const auto& diff_id : config.diff_ids)
    if (::faccessat(AT_FDCWD, layer_path(diff_id).c_str(), F_OK, 0) != 0)
      throw sys::Error("the unpacked layer " + diff_id + " is gone");
}

std::vector<DamagedImage> Library::damaged() const {
  std::vector<DamagedImage> found;
  for (auto& image : list()) {
    try {
      require_layers(config(manifest(image)));
    } catch (const sys::Error& error) {
      found.push_back({std::move(image), error.what()});
    }
  }
  return found;
}

std::uint64_t Library::size(const Manifest& manifest) {
  std::uint64_t bytes = manifest.config.size;
  for (const auto& layer : manifest.layers) bytes += layer.size;
  return bytes;
}

void Library::add(const StoredImage& image) const {
  const auto held = lock(images_dir() + "/lock", F_WRLCK, true);
  auto images = list();
  for (auto& other : images)
    if (other.name == image.name) other.name.clear();
  std::erase_if(images, [&](const StoredImage& other) {
    return other.name.empty() && other.manifest.digest == image.manifest.digest;
  });
  images.push_back(image);
  write_index(images_dir(), images);
}

bool Library::remove(const std::string& name) const {
  const auto held = lock(images_dir() + "/lock", F_WRLCK, true);
  auto images = list();
  const auto found = std::find_if(images.begin(), images.end(),
                                  [&](const StoredImage& image) { return image.name == name; });
  if (found == images.end()) return false;
  found->name.clear();
  write_index(images_dir(), images);
  return true;
}

sys::UniqueFd Library::keep_all() const {
  return *lock_use(images_dir(), F_SETLKW);
}

std::optional<sys::UniqueFd> Library::try_keep_all() const {
  return lock_use(images_dir(), F_SETLK);
}

std::optional<sys::UniqueFd> Library::hold_alone() const {
  sys::UniqueFd alone;
  if (!sys::try_open_at(AT_FDCWD, images_dir(), O_RDONLY | O_DIRECTORY)) return alone;
  const auto deadline = std::chrono::steady_clock::now() + use_patience;
  while (!(alone = lock(images_dir() + "/use.lock", F_WRLCK, false))) {
    if (std::chrono::steady_clock::now() >= deadline) return std::nullopt;
    sys::pause_briefly();
  }
  return alone;
}

std::optional<Pruning> Library::begin_pruning(const PruneWish& wish, sys::UniqueFd alone) const {
  Pruning pruning;
  pruning.images_dir = images_dir();
  if (!alone) {
    auto held = hold_alone();
    if (!held) return std::nullopt;
    alone = std::move(*held);
    if (!alone) return pruning;
  }
  pruning.alone = std::move(alone);
  pruning.held = lock(images_dir() + "/lock", F_WRLCK, true);
  const auto in_use = wish.in_use();
  for (auto& image : list()) {
    const bool stays =
        in_use.contains(image.manifest.digest) || (!image.name.empty() && wish.wanted(image.name));
    (stays ? pruning.staying : pruning.images).push_back(std::move(image));
  }
  const auto broken = damaged();
  const bool unsure = std::any_of(broken.begin(), broken.end(), [&](const DamagedImage& other) {
    return std::any_of(pruning.staying.begin(), pruning.staying.end(), [&](const auto& image) {
      return image.manifest.digest == other.image.manifest.digest;
    });
  });
  if (unsure) {
    for (const auto& folder : {images_dir(), layers_dir()})
      find_others(
          folder, [](const auto& name) { return !is_staging(name); }, pruning.paths);
    return pruning;
  }
  std::set<std::string> blobs;
  std::set<std::string> layers;
  const auto keep_blob = [&](const std::string& digest) {
    blobs.insert(digest.substr(digest.find(':') + 1));
  };
  for (const auto& image : pruning.staying) {
    keep_blob(image.manifest.digest);
    const auto parts = manifest(image);
    keep_blob(parts.config.digest);
    for (const auto& layer : parts.layers) keep_blob(layer.digest);
    for (const auto& diff_id : config(parts).diff_ids) layers.insert(with_dash(diff_id));
  }
  const auto kept_blob = [&](const std::string& name) { return blobs.contains(name); };
  for (const char* algorithm : {"/sha256", "/sha512"})
    find_others(blobs_dir() + algorithm, kept_blob, pruning.paths);
  find_others(
      layers_dir(), [&](const auto& name) { return layers.contains(name); }, pruning.paths);
  find_others(images_dir(), is_own_file, pruning.paths);
  return pruning;
}

void Pruning::carry_out() const {
  if (!images.empty()) write_index(images_dir, staying);
  for (const auto& path : paths) sys::remove_tree_at(AT_FDCWD, path);
}

bool Library::prune(const PruneWish& wish) const {
  const auto pruning = begin_pruning(wish);
  if (pruning) pruning->carry_out();
  return pruning.has_value();
}

sys::UniqueFd Library::turn_to_bring(const std::string& name) const {
  // Names hold slashes; two that share a hash only wait for each other.
  const auto path = images_dir() + "/bring-" + std::to_string(std::hash<std::string>{}(name));
  if (auto turn = lock(path, F_WRLCK, false)) return turn;
  const auto changed = [&path] {
    struct ::stat info {};
    sys::check(::stat(path.c_str(), &info), "look at ", path);
    return info.st_size;
  };
  const auto before = changed();
  auto turn = lock(path, F_WRLCK, true);
  return changed() == before ? std::move(turn) : sys::UniqueFd();
}

void Library::brought(int turn) {
  sys::check(::lseek(turn, 0, SEEK_END), "note what was brought");
  sys::check(::write(turn, ".", 1), "note what was brought");
}

}  // namespace pausa::image
