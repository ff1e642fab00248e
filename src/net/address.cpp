#include "net/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace pausa::net {
namespace {

constexpr std::uint32_t most_numbers = 65534;

void clear_after(Address& address, unsigned prefix) {
  for (std::size_t i = 0; i < address.size(); ++i) {
    const auto bits = static_cast<int>(prefix) - static_cast<int>(i * 8);
    if (bits >= 8) continue;
    address.bytes[i] = bits <= 0 ? std::uint8_t{0}
                                 : static_cast<std::uint8_t>(
                                       address.bytes[i] & (0xff00U >> static_cast<unsigned>(bits)));
  }
}

// The number goes into the last four bytes, of which the prefix leaves enough.
Address with_number(const Subnet& subnet, std::uint32_t number) {
  Address address = subnet.base;
  const std::size_t end = address.size();
  for (std::size_t i = 0; i < 4; ++i)
    address.bytes[end - 1 - i] =
        static_cast<std::uint8_t>(address.bytes[end - 1 - i] | ((number >> (8 * i)) & 0xffU));
  return address;
}

}  // namespace

std::optional<Address> parse_address(const std::string& text) {
  Address address;
  if (::inet_pton(AF_INET, text.c_str(), address.bytes.data()) == 1) return address;
  address.v6 = true;
  if (::inet_pton(AF_INET6, text.c_str(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

std::string to_text(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  (void)::inet_ntop(address.v6 ? AF_INET6 : AF_INET, address.bytes.data(), text.data(),
                    text.size());  // cannot fail: the room suffices
  return text.data();
}

bool Subnet::contains(const Address& address) const {
  if (address.v6 != base.v6) return false;
  Address cut = address;
  clear_after(cut, prefix);
  return cut == base;
}

bool Subnet::overlaps(const Subnet& other) const {
  return prefix <= other.prefix ? contains(other.base) : other.contains(base);
}

std::optional<Subnet> parse_subnet(const std::string& text) {
  const auto slash = text.find('/');
  if (slash == std::string::npos) return std::nullopt;
  const auto base = parse_address(text.substr(0, slash));
  if (!base) return std::nullopt;
  Subnet subnet{*base, 0};
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + slash + 1, end, subnet.prefix);
  if (error != std::errc() || rest != end || subnet.prefix > base->size() * 8) return std::nullopt;
  clear_after(subnet.base, subnet.prefix);
  return subnet;
}

std::string to_text(const Subnet& subnet) {
  return to_text(subnet.base) + "/" + std::to_string(subnet.prefix);
}

std::optional<Pool> parse_pool(const std::string& text) {
  const auto blank = text.find(' ');
  const auto v4 = parse_subnet(text.substr(0, blank));
  if (!v4 || v4->base.v6) return std::nullopt;
  Pool pool{*v4, std::nullopt};
  if (blank == std::string::npos) return pool;
  pool.v6 = parse_subnet(text.substr(blank + 1));
  if (!pool.v6 || !pool.v6->base.v6) return std::nullopt;
  return pool;
}

std::string to_text(const Pool& pool) {
  return to_text(pool.v4) + (pool.v6 ? " " + to_text(*pool.v6) : "");
}

std::uint32_t Pool::last() const {
  const unsigned free_bits = 32 - v4.prefix;
  return free_bits > 16 ? most_numbers : (1U << free_bits) - 2U + (free_bits == 0 ? 1U : 0U);
}

std::uint32_t Pool::next(std::uint32_t number) const {
  return number < first || number >= last() ? first : number + 1;
}

Address Pool::v4_of(std::uint32_t number) const {
  return with_number(v4, number);
}

std::optional<Address> Pool::v6_of(std::uint32_t number) const {
  return v6 ? std::optional(with_number(*v6, number)) : std::nullopt;
}

std::optional<std::uint32_t> Pool::number_of(const Address& v4_address) const {
  if (!v4.contains(v4_address)) return std::nullopt;
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i)
    number = number << 8U | static_cast<std::uint32_t>(
                                v4_address.bytes[i] & static_cast<std::uint8_t>(~v4.base.bytes[i]));
  if (number < first || number > last()) return std::nullopt;
  return number;
}

const std::vector<std::string>& usual_ranges() {
  static const std::vector<std::string> ranges{"10.86.0.0/16", "10.186.0.0/16", "172.27.0.0/16",
                                               "10.61.0.0/16", "192.168.186.0/24"};
  return ranges;
}

std::optional<Subnet> choose_range(const std::vector<Subnet>& taken) {
  for (const auto& text : usual_ranges()) {
    const auto range = parse_subnet(text);
    if (std::none_of(taken.begin(), taken.end(),
                     [&range](const Subnet& other) { return other.overlaps(*range); }))
      return range;
  }
  return std::nullopt;
}

HardwareAddress hardware_address(const Address& v4_address) {
  const auto& b = v4_address.bytes;
  return {0x02, 0x70, b[0], b[1], b[2], b[3]};  // 02: administered locally, for one station
}

}  // namespace pausa::net
