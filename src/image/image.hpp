// From the image of a manifest to directories: what a container's root is stacked on, and what runs
// in it by default.
//   NAME[:TAG][@DIGEST]  an image of the library (library.hpp), once it has been pulled
//   oci:DIR:TAG, oci-archive:FILE, docker-archive:FILE, containers-storage:NAME
//                        likewise, as skopeo spells it; kept under this very text
//   busybox              where the library has none: assembled from this machine's busybox
//   dir:/PATH            a directory that the user made
//   host:                the root of this machine, read-only, less what other users may not read
// Errors are sys::Error with the whole sentence. Not for child zones.
//
// An image's config is hostile or at least not the user's: it gives defaults, never rights.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pausa::image {

struct ImageConfig {
  std::vector<std::string> entrypoint;
  std::vector<std::string> cmd;
  std::vector<std::string> env;  // NAME=VALUE
  std::string working_dir = "/";
  std::string user;                  // empty: root
  std::string stop_signal;           // empty: SIGTERM
  std::vector<std::string> volumes;  // folders that are to be there
};

struct ResolvedImage {
  std::string reference;    // as the manifest has it
  std::string description;  // for people: "NAME@DIGEST", "busybox of this machine (…)"
  // Lower directories for overlayfs, the topmost first. They are shared: never write into them.
  std::vector<std::string> layers;
  bool host_root = false;  // the one layer is "/" itself
  ImageConfig config;
  // Paths inside the image to be covered, files and directories; all of them exist.
  std::vector<std::string> masked_paths;
};

// Where assembled images live: a folder of ours below the data directory, made when needed (0700).
class Store {
 public:
  explicit Store(std::string data_dir) : data_dir_(std::move(data_dir)) {}

  const std::string& data_dir() const { return data_dir_; }
  std::string rootfs_dir() const { return data_dir_ + "/rootfs"; }
  // Everything that lies in the store, with what an interrupted assembly left; absolute paths.
  std::vector<std::string> contents() const;
  // Removes all of that, and the folder. The caller knows that no container runs on it.
  void remove_all() const;

 private:
  std::string data_dir_;
};

// The form of the reference only: empty if it may be resolvable, else the sentence for the user.
// Pure, for validation. A relative dir:PATH is fine here.
std::string check_reference(std::string_view image);

// A transport of files ("oci:", "docker-archive:" …), whose path may be relative in a manifest.
bool is_archive(std::string_view image);
// Where an image of this name comes from, as skopeo spells it, and the name under which it is kept.
struct Origin {
  std::string source;
  std::string name;
};
// nullopt: nothing is to be pulled (dir:, host:, the built-in busybox). Throws sys::Error for a
// short name that this machine has no alias for, with the line to write instead.
std::optional<Origin> origin_of(std::string_view image);
// Whether it is the busybox of this machine, since the library has no other.
bool is_built_in(std::string_view image, const Store& store);
// Whether resolve() needs no pull.
bool is_here(std::string_view image, const Store& store);

// A dir: path must be absolute; the caller knows to what it is relative.
ResolvedImage resolve(std::string_view image, const Store& store);
// As it was resolved once: `description` is of that ResolvedImage. The name may have gone to
// another image since, or be gone.
ResolvedImage resolve_again(std::string_view image, std::string_view description,
                            const Store& store);

}  // namespace pausa::image
