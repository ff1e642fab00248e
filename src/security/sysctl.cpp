#include "security/sysctl.hpp"

namespace pausa::security {

std::string sysctl_path(std::string_view dotted) {
  std::string path(dotted);
  for (char& c : path) {
    if (c == '.')
      c = '/';
    else if (c == '/')
      c = '.';
  }
  return path;
}

}  // namespace pausa::security
