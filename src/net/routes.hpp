// Routes (rtnetlink(7)): which ranges are in use, which way leads out. Private to the room.
#pragma once

#include "net/links.hpp"

#include <optional>
#include <vector>

namespace pausa::net {

// The ranges to which routes lead, without default routes and those over the interface `but`.
std::vector<Subnet> routed_ranges(Netlink& netlink, int but);

// A unique local range (RFC 4193), by chance: nobody has it. Throws sys::Error.
Subnet random_v6_range(unsigned prefix);

// The way out into the world.
struct Uplink {
  Link link;
  std::optional<Address> own;  // the address with which we are seen there
};
// nullopt: there is none.
std::optional<Uplink> find_uplink(Netlink& netlink, bool v6);

// to: nullptr for everywhere. mtu: of what goes there, in bytes; 0: the interface's own.
void add_route(Netlink& netlink, const Link& link, const Address& gateway, const Address* to,
               unsigned mtu);

}  // namespace pausa::net
