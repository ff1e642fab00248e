// IP addresses and ranges of them, as values. Pure; no name is ever looked up.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pausa::net {

struct Address {
  bool v6 = false;
  std::array<std::uint8_t, 16> bytes{};  // in network order; of an IPv4 address the first four

  std::size_t size() const { return v6 ? 16 : 4; }
  bool operator==(const Address&) const = default;
};
std::optional<Address> parse_address(const std::string& text);
std::string to_text(const Address& address);

struct Subnet {
  Address base;  // all bits after the prefix are zero
  unsigned prefix = 0;

  bool contains(const Address& address) const;
  bool overlaps(const Subnet& other) const;
  bool operator==(const Subnet&) const = default;
};
// "10.86.0.0/16". Bits after the prefix are cleared.
std::optional<Subnet> parse_subnet(const std::string& text);
std::string to_text(const Subnet& subnet);

// Where the pods of one bridge get their addresses, or Services. A pod has one number, and by it an
// address of either family: 10.86.0.7 and fd70:6175:7361::7. Number 1 is the bridge's own.
struct Pool {
  Subnet v4;
  std::optional<Subnet> v6;  // none where the kernel has no IPv6

  static constexpr std::uint32_t bridge_number = 1;
  static constexpr std::uint32_t first = 2;
  std::uint32_t last() const;  // without the broadcast address; less than first: too small
  // After `number`, or the first again.
  std::uint32_t next(std::uint32_t number) const;

  Address v4_of(std::uint32_t number) const;
  std::optional<Address> v6_of(std::uint32_t number) const;
  std::optional<std::uint32_t> number_of(const Address& v4_address) const;
  bool operator==(const Pool&) const = default;
};
// "10.86.0.0/16 fd70:6175:7361::/64", or the first of them.
std::optional<Pool> parse_pool(const std::string& text);
std::string to_text(const Pool& pool);

// The ranges that are tried when none is configured, the likeliest to be free first.
const std::vector<std::string>& usual_ranges();
// The first of them that overlaps none of the taken ones.
std::optional<Subnet> choose_range(const std::vector<Subnet>& taken);

using HardwareAddress = std::array<std::uint8_t, 6>;
// One made of the IPv4 address: whoever gets the address after another pod has the
// same one, so that what the neighbours remember stays true.
HardwareAddress hardware_address(const Address& v4_address);

}  // namespace pausa::net
