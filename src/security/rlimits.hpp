// The resource limits that every container starts with; all others are inherited. systemd's values
// for services: a soft limit of 1024 files for the sake of select(2), a high hard limit that
// programs may raise themselves to, and no core files unless asked for. A hard limit that we may
// not raise to is clamped when it is applied (security/apply.hpp).
#pragma once

#include "security/apply.hpp"

#include <sys/resource.h>

#include <cstdint>

namespace pausa::security {

inline constexpr Rlimit default_rlimits[] = {
    {RLIMIT_NOFILE, 1024, 524288}, {RLIMIT_CORE, 0, UINT64_MAX},  // RLIM64_INFINITY
};

}  // namespace pausa::security
