// Ranges of IP addresses as they stand in a manifest ("10.0.0.0/8"). Pure; no system header.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pausa::pod {

struct IpBlock {
  bool v6 = false;
  unsigned prefix = 0;
  std::array<std::uint8_t, 16> bytes{};  // of an IPv4 address the first four; as written

  bool contains(const IpBlock& other) const;  // all of it
};

// nullopt: no address, or no range.
std::optional<IpBlock> parse_ip_block(std::string_view text);

}  // namespace pausa::pod
