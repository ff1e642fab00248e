#include "image/busybox.hpp"

#include "image/staging.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"
#include "sys/tool.hpp"

#include <elf.h>
#include <errno.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

namespace pausa::image {
namespace {

constexpr const char* recipe = "1";  // part of the directory's name: raise it when the tree changes
constexpr const char* advice = "install one: apt-get install busybox-static";

struct Folder {
  const char* path;
  mode_t mode;
};
constexpr Folder folders[] = {
    {"bin", 0755},      {"dev", 0755},     {"etc", 0755},       {"home", 0755},
    {"mnt", 0755},      {"opt", 0755},     {"proc", 0555},      {"root", 0700},
    {"run", 0755},      {"sbin", 0755},    {"srv", 0755},       {"sys", 0555},
    {"tmp", 01777},     {"usr", 0755},     {"usr/bin", 0755},   {"usr/sbin", 0755},
    {"var", 0755},      {"var/lib", 0755}, {"var/log", 0755},   {"var/spool", 0755},
    {"var/tmp", 01777}, {"var/www", 0755}, {"usr/local", 0755}, {"usr/local/bin", 0755}};

struct Text {
  const char* path;
  mode_t mode;
  const char* text;
};
// hosts, hostname and resolv.conf are there for the runtime to mount its own upon.
constexpr Text texts[] = {
    {"etc/passwd", 0644,
     "root:x:0:0:root:/root:/bin/sh\n"
     "daemon:x:1:1:daemon:/:/bin/false\n"
     "www-data:x:33:33:www-data:/var/www:/bin/false\n"
     "nobody:x:65534:65534:nobody:/:/bin/false\n"},
    {"etc/group", 0644,
     "root:x:0:\n"
     "daemon:x:1:\n"
     "tty:x:5:\n"
     "disk:x:6:\n"
     "wheel:x:10:root\n"
     "www-data:x:33:\n"
     "users:x:100:\n"
     "nogroup:x:65534:\n"},
    {"etc/shadow", 0640, "root:*:::::::\ndaemon:*:::::::\nwww-data:*:::::::\nnobody:*:::::::\n"},
    {"etc/shells", 0644, "/bin/sh\n/bin/ash\n"},
    {"etc/nsswitch.conf", 0644, "passwd: files\ngroup: files\nhosts: files dns\n"},
    {"etc/hosts", 0644, "127.0.0.1 localhost\n::1 localhost\n"},
    {"etc/hostname", 0644, ""},
    {"etc/resolv.conf", 0644, ""}};

// The ELF has no interpreter, so it runs in a root that holds nothing else (elf(5)).
bool is_static_program(int fd) {
  Elf64_Ehdr header{};
  if (::pread(fd, &header, sizeof header, 0) != static_cast<ssize_t>(sizeof header)) return false;
  if (!std::equal(header.e_ident, header.e_ident + SELFMAG, ELFMAG)) return false;
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_phentsize != sizeof(Elf64_Phdr))
    return false;
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr part{};
    const auto at = static_cast<off_t>(header.e_phoff + i * sizeof part);
    if (::pread(fd, &part, sizeof part, at) != static_cast<ssize_t>(sizeof part)) return false;
    if (part.p_type == PT_INTERP) return false;
  }
  return true;
}

// The paths under which busybox wants to be called ("usr/bin/wc"), asked once per assembly.
std::vector<std::string> list_applets(const std::string& program) {
  sys::ToolRequest request;
  request.program = program;
  request.arguments = {"busybox", "--list-full"};
  request.hear_output = true;
  const auto result = sys::Tool(request).wait();
  if (result.code != 0) throw sys::Error(program + " --list-full failed");
  const std::string& listing = result.output;
  std::vector<std::string> applets;
  for (std::size_t start = 0; start < listing.size();) {
    const std::size_t end = std::min(listing.find('\n', start), listing.size());
    applets.push_back(listing.substr(start, end - start));
    start = end + 1;
  }
  return applets;
}

void copy_program(int from, int dir, const char* to) {
  const auto target = sys::open_at(dir, to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0755);
  sys::check(::fchmod(target.get(), 0755), "chmod ", to);
  off_t at = 0;
  for (;;) {
    const ssize_t sent = ::sendfile(target.get(), from, &at, 1U << 24U);
    if (sent < 0 && errno == EINTR) continue;
    if (sys::check(sent, "copy busybox") == 0) return;
  }
}

// "usr/bin/wc" is a link to "../../bin/busybox": relative, so that it holds wherever the tree is.
void link_applets(int root, const std::vector<std::string>& applets) {
  std::set<std::string> known;
  for (const Folder& folder : folders) known.insert(folder.path);
  for (const std::string& applet : applets) {
    const std::size_t slash = applet.rfind('/');
    if (applet == "bin/busybox" || applet.empty()) continue;
    // A listing with anything but the usual folders is not busybox's; "linuxrc" lies at the top.
    if (slash == std::string::npos || !known.contains(applet.substr(0, slash))) continue;
    std::string target = applet.starts_with("bin/") ? "busybox" : "bin/busybox";
    if (target == "bin/busybox")
      for (const char c : applet) target.insert(0, c == '/' ? "../" : "");
    if (::symlinkat(target.c_str(), root, applet.c_str()) != 0 && errno != EEXIST)
      sys::check(-1, "link ", applet);
  }
}

void build(int root, int program, const std::vector<std::string>& applets) {
  for (const Folder& folder : folders) {
    sys::check(::mkdirat(root, folder.path, folder.mode), "make ", folder.path);
    sys::check(::fchmodat(root, folder.path, folder.mode, 0), "chmod ", folder.path);  // the umask
  }
  copy_program(program, root, "bin/busybox");
  link_applets(root, applets);
  for (const Text& file : texts) sys::create_file_at(root, file.path, file.text, file.mode);
}

}  // namespace

std::string find_busybox() {
  for (const char* path : {"/bin/busybox", "/usr/bin/busybox", "/usr/local/bin/busybox",
                           "/bin/busybox.static", "/usr/bin/busybox.static"})
    if (::faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0) return path;
  sys::Error error("the built-in image is made of this machine's busybox, and there is none");
  error.advise(advice);
  throw error;
}

std::string assemble_busybox(const Store& store) {
  return assemble_busybox(store, find_busybox());
}

std::string assemble_busybox(const Store& store, const std::string& program) {
  const auto binary = sys::open_at(AT_FDCWD, program, O_RDONLY | O_NOCTTY | O_NONBLOCK);
  struct stat info {};
  sys::check(::fstat(binary.get(), &info), "stat ", program);
  // Another busybox, another directory: containers may still run on the older one.
  const std::string name = "busybox-" + std::to_string(info.st_size) + "-" +
                           std::to_string(info.st_mtim.tv_sec) + "." +
                           std::to_string(info.st_mtim.tv_nsec) + "-" + recipe;
  std::string path = store.rootfs_dir() + "/" + name;
  if (::faccessat(AT_FDCWD, path.c_str(), F_OK, 0) == 0) return path;

  if (!S_ISREG(info.st_mode) || !is_static_program(binary.get())) {
    sys::Error error(program + " is not a statically linked program, which the image needs");
    error.advise(advice);
    throw error;
  }
  const auto folder = sys::make_dirs_at(AT_FDCWD, store.rootfs_dir(), 0700);
  sweep_abandoned(folder.get());
  const std::string staging = staging_name();
  try {
    sys::remove_tree_at(folder.get(), staging);
    const auto root = sys::make_dirs_at(folder.get(), staging, 0755);
    sys::check(::fchmod(root.get(), 0755), "chmod ", staging);
    build(root.get(), binary.get(), list_applets(program));
    // The name means complete, also after a power cut. File systems keep changes of names in order
    // by themselves; what a file holds reaches the disk before them only by fsync.
    const auto copy = sys::open_at(root.get(), "bin/busybox", O_RDONLY);
    sys::check(::fsync(copy.get()), "fsync ", path);
    if (::renameat(folder.get(), staging.c_str(), folder.get(), name.c_str()) != 0) {
      if (errno != EEXIST && errno != ENOTEMPTY) sys::check(-1, "name ", path);
      sys::remove_tree_at(folder.get(), staging);  // another process was first
    }
  } catch (sys::Error& error) {
    try {
      sys::remove_tree_at(folder.get(), staging);
    } catch (const sys::Error&) {
      // The first failure is the one to tell; the next assembly sweeps the rest.
    }
    error.prepend("assemble the busybox image");
    throw;
  }
  return path;
}

}  // namespace pausa::image
