// What yaml-cpp says, in words that help the author of a manifest. Internal; pure.
#pragma once

#include <string>
#include <string_view>

namespace pausa::manifest {

struct Wording {
  std::string text;
  std::string hint;
};

// message: of a YAML::Exception. One that is not known stays as it is.
Wording reword(std::string_view message);

}  // namespace pausa::manifest
