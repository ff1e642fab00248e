#include "sys/namespace.hpp"

#include <sys/stat.h>

#include <string>

namespace pausa::sys {

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

}  // namespace pausa::sys
