// The names of the descriptors that infra keeps for a pod's supervisors: instance, container, kind.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pausa::supervisor {

enum class Kept : std::uint64_t {
  out = 1,
  err = 2,
  terminal = 3,
  in = 4,
  port = 5,
  user_network = 6,      // its namespace (user_network.hpp)
  user_network_use = 7,  // that it is in use
};

struct KeptKey {
  std::uint32_t launches;  // of the container, with this instance
  std::size_t index;
  Kept kind;
};

inline std::uint64_t encode(const KeptKey& key) {
  return static_cast<std::uint64_t>(key.launches) << 24U | key.index << 8U |
         static_cast<std::uint64_t>(key.kind);
}
inline KeptKey decode(std::uint64_t key) {
  return {static_cast<std::uint32_t>(key >> 24U), static_cast<std::size_t>(key >> 8U & 0xffffU),
          static_cast<Kept>(key & 0xffU)};
}

}  // namespace pausa::supervisor
