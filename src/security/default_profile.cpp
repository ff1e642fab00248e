#include "security/seccomp.hpp"

namespace pausa::security {
namespace {

#include "security/default_profile.inc"

}  // namespace

const ProfileView& default_profile() {
  return built_in;
}

}  // namespace pausa::security
