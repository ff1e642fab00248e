// Routes (rtnetlink(7)): which ranges are in use, which way leads out. Private to the room.
#pragma once

#include "net/links.hpp"

#include <optional>
#include <vector>

namespace pausa::net {

// The ranges to which routes lead, without default routes and those over the interface `but`.
std::vector<Subnet> routed_ranges(Netlink& netlink, int but);

// The interface over which the world is reached; nullopt: there is no way.
std::optional<Link> find_uplink(Netlink& netlink, bool v6);

void add_default_route(Netlink& netlink, const Link& link, const Address& gateway);

}  // namespace pausa::net
