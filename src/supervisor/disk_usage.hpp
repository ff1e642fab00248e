// How much of a disk a directory takes, as du(1) counts it: blocks, each file once. Follows no link
// and enters no mount. What cannot be looked at counts nothing. Not for child zones.
#pragma once

#include <cstdint>
#include <string>

namespace pausa::supervisor {

// Counts no further once it is beyond `enough`.
std::uint64_t disk_usage(const std::string& directory, std::uint64_t enough);

}  // namespace pausa::supervisor
