// The rules of a bridge: one nft table of its own ("pausa-" and the bridge's name, so that it is
// nobody else's), made once and not touched by any pod. Whether it says what it is to say is asked
// over netlink, by its mark; nft(8) runs only to make it.
#pragma once

#include "net/address.hpp"

#include <string>
#include <vector>

namespace pausa::net {

std::string table_of(const std::string& bridge);

// Elements, as they stand in a set.
std::string listed(const std::vector<std::string>& elements);

// What nft(8) reads: the table. Maps of one name are of one type in all versions.
// internal: what pods send leads nowhere but to each other and to this machine.
std::string ruleset(const std::string& bridge, const Pool& pool, bool internal = false);

// Throws sys::Error: nft(8) is not there, refuses, or hangs.
void run_nft(const std::string& script);

// Whether there is such a table of a family (NFPROTO_INET…). Asked over netlink.
bool has_table(const std::string& table, int family);

// A table of ours says by a chain from which rules it was made: to this chain nothing leads, and
// its one rule goes with all others when somebody flushes the table.
std::string mark_of(const std::string& rules);
// What nft(8) reads to set the mark. table: with its family.
std::string mark_rules(const std::string& table, const std::string& mark);
// One question over netlink.
bool has_mark(const std::string& table, int family, const std::string& mark);

// Whether a bridge has the rules that make_rules() would make.
bool has_rules(const std::string& bridge, const Pool& pool, bool internal);
// In place of what the table said. Throws sys::Error: nft(8) is not there, or refuses.
void make_rules(const std::string& bridge, const Pool& pool, bool internal);
void remove_rules(const std::string& bridge);

// Has this machine forward packets of IPv4, and of IPv6 where `v6`.
void forward_packets(bool v6);

}  // namespace pausa::net
