#include "cli/image_mounts.hpp"

#include "cli/image_files.hpp"
#include "image/image.hpp"
#include "image/view.hpp"
#include "supervisor/host.hpp"
#include "supervisor/user_namespace.hpp"
#include "sys/error.hpp"
#include "sys/mount_info.hpp"
#include "sys/path.hpp"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstring>
#include <iostream>

namespace pausa::cli {
namespace {

constexpr std::size_t most_name_bytes = 8192;

std::string mounts_dir(const state::Paths& paths) {
  return paths.run_root + "/mounts";
}

std::vector<std::string> folders(const state::Paths& paths) {
  const auto dir = sys::try_open_at(AT_FDCWD, mounts_dir(paths), O_RDONLY | O_DIRECTORY);
  return dir ? sys::list_dir(dir.get()) : std::vector<std::string>();
}

std::string hex_of(const std::string& digest) {
  return digest.substr(digest.find(':') + 1);
}

bool unmount(const state::Paths& paths, const std::string& hex) {
  const std::string folder = mounts_dir(paths) + "/" + hex;
  const std::string root = folder + "/root";
  if (::access(folder.c_str(), F_OK) != 0) return false;
  // Whoever looks at it keeps what he has. Several mounts may lie there, of two that were as fast.
  while (::umount2(root.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) continue;
  if (errno != EINVAL && errno != ENOENT) sys::check(-1, "unmount ", root);
  if (::rmdir(root.c_str()) != 0 && errno != ENOENT) sys::check(-1, "remove ", root);
  sys::remove_tree_at(AT_FDCWD, folder);
  return true;
}

std::vector<std::string> layers_of(const state::Store& store, const image::StoredImage& image) {
  // By its digest: the name may go to another one meanwhile.
  return image::resolve_again(image.name, image.name + "@" + image.manifest.digest,
                              image::Store(store.paths().root))
      .layers;
}

std::string mount_for_all(const state::Store& store, const std::string& word) {
  const image::Library library(store.paths().root);
  const auto kept = library.keep_all();
  const auto image = find_image(library, word);
  if (::geteuid() != 0) {
    sys::Error error("only root can mount an image where others see it");
    error.advise("pausa image mount " + word + " -- COMMAND runs a command that sees it");
    throw error;
  }
  const std::string folder = mounts_dir(store.paths()) + "/" + hex_of(image.manifest.digest);
  const std::string root = folder + "/root";
  const auto dir = sys::make_dirs_at(AT_FDCWD, folder, 0700);
  if (const auto there = sys::try_open_at(AT_FDCWD, root, O_PATH | O_DIRECTORY)) {
    const auto mount = sys::mount_of(there.get());
    if (mount && mount->point == root) return root;
  }
  sys::replace_file_at(dir.get(), "name", image.name, 0600);
  (void)sys::make_dirs_at(dir.get(), "root", 0755);
  try {
    image::mount_layers(layers_of(store, image), root, false);
  } catch (const sys::Error&) {
    (void)unmount(store.paths(), hex_of(image.manifest.digest));
    throw;
  }
  return root;
}

[[noreturn]] void run_inside(const state::Store& store, const std::vector<std::string>& words) {
  const image::Library library(store.paths().root);
  const auto kept = library.keep_all();  // until the command has it before its eyes
  const auto layers = layers_of(store, find_image(library, words[0]));
  const auto place = mounts_dir(store.paths());
  (void)sys::make_dirs_at(AT_FDCWD, place, 0700);
  auto host = supervisor::Host::probe();
  const bool root = ::geteuid() == 0;
  if (root) {
    sys::check(::unshare(CLONE_NEWNS), "make a mount namespace");
    sys::check(::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr),
               "keep mounts from the host");
  } else {
    supervisor::enter_user_namespace(host, -1);
  }
  image::mount_layers(layers, place, !root);
  sys::check(::chdir(place.c_str()), "enter ", place);
  std::vector<char*> argv;
  for (std::size_t i = 1; i < words.size(); ++i)
    argv.push_back(const_cast<char*>(words[i].c_str()));
  argv.push_back(nullptr);
  (void)::execvp(argv[0], argv.data());
  std::cerr << "pausa: " << words[1] << ": " << std::strerror(errno) << "\n";
  ::_exit(errno == ENOENT ? 127 : 126);
}

}  // namespace

int mount_image(const state::Store& store, const std::vector<std::string>& words) {
  if (words.size() > 1) run_inside(store, words);
  if (words.size() == 1) {
    std::cout << mount_for_all(store, words[0]) << std::endl;
    return exit_ok;
  }
  for (const auto& hex : folders(store.paths())) {
    const auto folder = mounts_dir(store.paths()) + "/" + hex;
    std::cout << sys::read_file_at(AT_FDCWD, folder + "/name", most_name_bytes).value_or("<none>")
              << " " << folder << "/root\n";
  }
  return exit_ok;
}

int unmount_images(const state::Store& store, const std::vector<std::string>& words, bool all) {
  if (all) {
    unmount_all(store.paths());
    return exit_ok;
  }
  int code = exit_ok;
  for (const auto& word : words) {
    std::string name = word;
    bool done = false;
    // Its name may be gone or another's.
    for (const auto& hex : folders(store.paths()))
      if (sys::read_file_at(AT_FDCWD, mounts_dir(store.paths()) + "/" + hex + "/name",
                            most_name_bytes)
              .value_or("") == word)
        done = unmount(store.paths(), hex) || done;
    if (!done) {
      const auto image = find_image(image::Library(store.paths().root), word);
      name = image.name;
      done = unmount(store.paths(), hex_of(image.manifest.digest));
    }
    if (done) {
      std::cout << name << std::endl;
    } else {
      std::cerr << "pausa: image " << name << " is not mounted\n";
      code = exit_failed;
    }
  }
  return code;
}

std::vector<std::string> mounted_images(const state::Paths& paths) {
  std::vector<std::string> digests;
  for (const auto& hex : folders(paths))
    digests.push_back((hex.size() == 128 ? "sha512:" : "sha256:") + hex);
  return digests;
}

void unmount_all(const state::Paths& paths) {
  for (const auto& hex : folders(paths))
    if (unmount(paths, hex)) std::cout << mounts_dir(paths) << "/" << hex << std::endl;
  (void)::rmdir(mounts_dir(paths).c_str());
}

}  // namespace pausa::cli
