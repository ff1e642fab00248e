#include "sys/namespace.hpp"

#include "sys/error.hpp"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <string>

namespace pausa::sys {
namespace {

struct NewNetwork {
  int fd = -1;
  int error = 0;
};

int make_network(void* argument) {
  auto& made = *static_cast<NewNetwork*>(argument);
  if (::unshare(CLONE_NEWNET) == 0) made.fd = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  made.error = errno;
  return 0;
}

}  // namespace

NamespaceInodes namespace_inodes(pid_t pid) {
  NamespaceInodes inodes{};
  const std::string folder = "/proc/" + std::to_string(pid) + "/ns/";
  for (std::size_t i = 0; i < namespace_kinds.size(); ++i) {
    struct ::stat info {};
    const std::string path = folder + std::string(namespace_kinds[i].name);
    if (::stat(path.c_str(), &info) == 0) inodes[i] = info.st_ino;
  }
  return inodes;
}

// By a child that shares our memory and our descriptors: without root there is no way back for
// whoever has left the host's network namespace.
UniqueFd make_network_namespace() {
  NewNetwork made;
  alignas(16) std::array<char, std::size_t{16} * 1024> stack;
  const pid_t child = ::clone(make_network, stack.data() + stack.size(),
                              CLONE_VM | CLONE_FILES | CLONE_VFORK | SIGCHLD, &made);
  check(child, "make a process for a network namespace");
  (void)::waitpid(child, nullptr, 0);
  if (made.fd < 0) throw Error(made.error, "make a network namespace");
  return UniqueFd(made.fd);
}

UniqueFd owner_of_namespace(int ns) {
  return UniqueFd(check(::ioctl(ns, NS_GET_USERNS), "find the user namespace of a namespace"));
}

}  // namespace pausa::sys
