#include "unpack/acl.hpp"

#include <algorithm>

namespace pausa::unpack {
namespace {

constexpr std::uint32_t version = 2;
constexpr std::size_t header_bytes = 4;
constexpr std::size_t entry_bytes = 8;
constexpr std::size_t most_entries = 1000;
constexpr std::uint32_t no_id = 0xffffffff;

void put(std::string& to, std::uint32_t number, int bytes) {
  for (int i = 0; i < bytes; ++i) to += static_cast<char>(number >> (8 * i) & 0xffU);
}

std::uint32_t get(std::string_view from, std::size_t at, std::size_t bytes) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < bytes; ++i)
    number |= static_cast<std::uint32_t>(static_cast<unsigned char>(from[at + i])) << (8 * i);
  return number;
}

bool is_named(AclTag tag) {
  return tag == AclTag::user || tag == AclTag::group;
}

// A tag that may follow: each of them once, the named ones as often as there are names.
bool may_follow(AclTag before, AclTag tag) {
  return before == tag ? is_named(tag)
                       : static_cast<std::uint16_t>(tag) > static_cast<std::uint16_t>(before);
}

}  // namespace

std::string acl_value(std::vector<AclEntry> entries) {
  std::stable_sort(entries.begin(), entries.end(), [](const AclEntry& a, const AclEntry& b) {
    return a.tag != b.tag ? a.tag < b.tag : a.id < b.id;
  });
  std::string value;
  put(value, version, 4);
  for (const auto& entry : entries) {
    put(value, static_cast<std::uint32_t>(entry.tag), 2);
    put(value, entry.permissions, 2);
    put(value, is_named(entry.tag) ? entry.id : no_id, 4);
  }
  return value;
}

bool is_acl(std::string_view value) {
  if (value.size() < header_bytes || (value.size() - header_bytes) % entry_bytes != 0) return false;
  const std::size_t count = (value.size() - header_bytes) / entry_bytes;
  if (get(value, 0, 4) != version || count < 3 || count > most_entries) return false;
  std::uint32_t seen = 0;
  auto before = static_cast<AclTag>(0);
  for (std::size_t at = header_bytes; at < value.size(); at += entry_bytes) {
    const std::uint32_t number = get(value, at, 2);
    if (number == 0 || number > 32 || (number & (number - 1)) != 0) return false;
    const auto tag = static_cast<AclTag>(number);
    if (!may_follow(before, tag) || get(value, at + 2, 2) > 7) return false;
    if (is_named(tag) && get(value, at + 4, 4) == no_id) return false;
    seen |= number;
    before = tag;
  }
  constexpr std::uint32_t base = 1 | 4 | 32;
  constexpr std::uint32_t named = 2 | 8;
  constexpr std::uint32_t mask = 16;
  return (seen & base) == base && ((seen & named) == 0 || (seen & mask) != 0);
}

}  // namespace pausa::unpack
