// The images on this machine, below the data directory: an OCI image layout (images/: oci-layout,
// index.json, blobs/ALGORITHM/HEX) that other tools can read, and each layer unpacked once
// (layers/ALGORITHM-HEX, by the digest of its tar), as a lower directory of overlays. A directory
// in layers/ is complete, whatever was killed: it gets its name when it is. An image is in the
// index when all of it is there.
#pragma once

#include "image/document.hpp"
#include "image/reference.hpp"
#include "sys/fd.hpp"

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace pausa::image {

struct StoredImage {
  std::string name;  // Reference::full(); empty: it has lost its name to another
  Descriptor manifest;
};

struct DamagedImage {
  StoredImage image;
  std::string why;
};
// What to do about it.
std::string mending(const StoredImage& damaged);

// What people may mean by a name, the likeliest first: itself; of a short one the alias that this
// machine has for it, docker.io's and localhost's.
std::vector<Reference> meanings(const Reference& reference);
// The alias alone (registries.conf(5)).
std::optional<Reference> aliased(const Reference& short_name);

// Asked when nobody can begin to use an image any more.
struct PruneWish {
  std::function<std::set<std::string>()> in_use;  // digests of manifests
  std::function<bool(const std::string& name)> wanted = [](const std::string&) { return true; };
};

// What goes. It holds the library's locks.
struct Pruning {
  std::vector<StoredImage> images;
  std::vector<std::string> paths;  // absolute: blobs, layers, what was left half made
  void carry_out() const;

  std::vector<StoredImage> staying;
  std::string images_dir;
  sys::UniqueFd alone, held;
};

class Library {
 public:
  explicit Library(std::string data_dir) : root_(std::move(data_dir)) {}

  std::string images_dir() const { return root_ + "/images"; }
  std::string blobs_dir() const { return images_dir() + "/blobs"; }
  std::string layers_dir() const { return root_ + "/layers"; }
  // digest: well-formed.
  std::string blob_path(const std::string& digest) const;
  std::string layer_path(const std::string& diff_id) const;

  // Makes the folders (0700) and the layout's mark.
  void prepare() const;

  // In the order of the index.
  std::vector<StoredImage> list() const;
  // The image of this name, or of the likeliest of its meanings that is there. With a digest, one
  // that has it.
  std::optional<StoredImage> find(const Reference& reference) const;

  std::optional<StoredImage> find_name(std::string_view name) const;

  // Of an image in the index. Throws sys::Error when its files are damaged.
  Manifest manifest(const StoredImage& image) const;
  ConfigDocument config(const Manifest& manifest) const;
  // Those whose files are not what they should be, and why. They are cheap to look at: documents
  // are read, layers are only looked for.
  std::vector<DamagedImage> damaged() const;
  // Throws sys::Error when an unpacked layer is gone.
  void require_layers(const ConfigDocument& config) const;
  // What made each layer, as its history tells; empty where it does not.
  std::vector<std::string> layer_makers(const Manifest& manifest) const;
  // Bytes of its blobs.
  static std::uint64_t size(const Manifest& manifest);

  // Takes an image whose blobs and layers are there into the index; another of this name loses it.
  void add(const StoredImage& image) const;
  // False: there is none of this name. Its files stay until prune().
  bool remove(const std::string& name) const;
  // Images whose manifest's digest is not in use and that have no name, or one that nobody wants;
  // what no other image of the index needs; what was left half made. While an image is damaged,
  // nobody knows what it needs: then only what was left half made. nullopt: images are being
  // brought in or pods made of them, for longer than one would wait. alone: of hold_alone(), for
  // who has it already.
  std::optional<Pruning> begin_pruning(const PruneWish& wish,
                                       sys::UniqueFd alone = sys::UniqueFd()) const;
  // As long as it is held nobody looks an image up for a new pod, or brings one in. nullopt: others
  // have been at work for longer than one would wait; empty: there are no images yet.
  std::optional<sys::UniqueFd> hold_alone() const;
  // begin_pruning() and carry_out(). False: nullopt.
  bool prune(const PruneWish& wish) const;
  // Nothing is pruned while somebody holds one of these: from looking an image up until a record
  // names it. Empty where there are no images yet. A lock of fcntl_locking(2)'s older kind: forked
  // children do not hold it, and a process may have one at a time.
  sys::UniqueFd keep_all() const;
  // For who must not wait. nullopt: somebody prunes, for as long as that takes.
  std::optional<sys::UniqueFd> try_keep_all() const;

  // One process brings an image of this name at a time. Empty: another has done so while we waited
  // for it. With the lock comes the duty to call brought() before it is let go, if it succeeds.
  sys::UniqueFd turn_to_bring(const std::string& name) const;
  static void brought(int turn);

 private:
  std::optional<std::string> read_index() const;
  std::vector<StoredImage> parse(const std::string& index) const;
  std::optional<StoredImage> find_in(const std::string& index, std::string_view name) const;
  std::string read_document(const Descriptor& descriptor, const char* what) const;

  std::string root_;
};

}  // namespace pausa::image
