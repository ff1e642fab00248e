#include "image/view.hpp"

#include "sys/error.hpp"
#include "sys/fd.hpp"
#include "sys/path.hpp"

#include <sys/mount.h>
#include <unistd.h>

namespace pausa::image {
namespace {

constexpr unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV;
constexpr std::size_t most_options = 4095;  // mount(2) takes a page

}  // namespace

void mount_layers(const std::vector<std::string>& layers, const std::string& at,
                  bool user_namespace) {
  if (layers.empty()) {
    sys::check(::mount("none", at.c_str(), "tmpfs", flags, "size=0,mode=755"), "mount at ", at);
    return;
  }
  if (layers.size() == 1) {
    // An overlay needs two. A bind takes its flags when it is there.
    sys::check(::mount(layers[0].c_str(), at.c_str(), nullptr, MS_BIND, nullptr), "mount at ", at);
    if (::mount(nullptr, at.c_str(), nullptr, MS_BIND | MS_REMOUNT | flags, nullptr) == 0) return;
    const int why = errno;
    (void)::umount2(at.c_str(), MNT_DETACH);
    throw sys::Error(why, "make the mount at " + at + " read-only");
  }
  // By descriptor: the paths of many layers are longer than a page.
  std::vector<sys::UniqueFd> opened;
  std::string options;
  for (const auto& layer : layers) {
    opened.push_back(sys::open_at(AT_FDCWD, layer, O_PATH | O_DIRECTORY));
    options += (options.empty() ? "lowerdir=" : ":") + std::string("/proc/self/fd/") +
               std::to_string(opened.back().get());
  }
  if (user_namespace) options += ",userxattr";
  if (options.size() > most_options)
    throw sys::Error("the image has " + std::to_string(layers.size()) +
                     " layers, more than can be mounted at once");
  sys::check(::mount("overlay", at.c_str(), "overlay", flags, options.c_str()), "mount at ", at);
}

}  // namespace pausa::image
