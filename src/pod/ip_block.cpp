#include "pod/ip_block.hpp"

#include "pod/names.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

namespace pausa::pod {
namespace {

constexpr unsigned v4_bits = 32;
constexpr unsigned v6_bits = 128;

unsigned number(std::string_view text, int base) {
  unsigned value = 0;
  (void)std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

void put_v4(std::string_view text, std::vector<std::uint8_t>& bytes) {
  for (int part = 0; part < 4; ++part) {
    const std::size_t end = std::min(text.find('.'), text.size());
    bytes.push_back(static_cast<std::uint8_t>(number(text.substr(0, end), 10)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void put_groups(std::string_view text, std::vector<std::uint8_t>& bytes) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(':'), text.size());
    const auto part = text.substr(0, end);
    if (part.find('.') != std::string_view::npos) {
      put_v4(part, bytes);
    } else {
      const unsigned group = number(part, 16);
      bytes.push_back(static_cast<std::uint8_t>(group >> 8U));
      bytes.push_back(static_cast<std::uint8_t>(group));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

// Of an address that is known to be one.
std::array<std::uint8_t, 16> bytes_of(std::string_view text) {
  std::vector<std::uint8_t> head, tail;
  if (text.find(':') == std::string_view::npos) {
    put_v4(text, head);
  } else {
    const std::size_t gap = text.find("::");
    put_groups(text.substr(0, gap), head);
    if (gap != std::string_view::npos) put_groups(text.substr(gap + 2), tail);
  }
  std::array<std::uint8_t, 16> bytes{};
  std::copy(head.begin(), head.end(), bytes.begin());
  std::copy(tail.begin(), tail.end(), bytes.end() - static_cast<std::ptrdiff_t>(tail.size()));
  return bytes;
}

}  // namespace

bool IpBlock::contains(const IpBlock& other) const {
  if (v6 != other.v6 || other.prefix < prefix) return false;
  for (unsigned bit = 0; bit < prefix; bit += 8) {
    const unsigned kept = std::min(8U, prefix - bit);
    const auto mask = static_cast<std::uint8_t>(0xff00U >> kept);
    if (((bytes[bit / 8] ^ other.bytes[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

std::optional<IpBlock> parse_ip_block(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos || !is_ip(text.substr(0, slash))) return std::nullopt;
  const auto digits = text.substr(slash + 1);
  IpBlock block;
  block.v6 = text.find(':') < slash;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), block.prefix);
  const bool leading_zero = digits.size() > 1 && digits.front() == '0';
  if (error != std::errc() || end != digits.data() + digits.size() || leading_zero ||
      block.prefix > (block.v6 ? v6_bits : v4_bits))
    return std::nullopt;
  block.bytes = bytes_of(text.substr(0, slash));
  return block;
}

}  // namespace pausa::pod
