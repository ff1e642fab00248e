// From where Services have their addresses. folder: what we remember of all bridges
// (BridgeConfig::folder).
#pragma once

#include "net/address.hpp"

#include <optional>
#include <string>

namespace pausa::net {

// The folder of what Services need to be remembered; it is there as long as there are any.
std::string services_folder(const std::string& folder);

struct ServiceRangeWish {
  std::optional<Subnet> v4, v6;
};
// "10.124.0.0/16", "fd00:7::/112", or both with a comma; nullopt: it is nothing of the kind.
std::optional<ServiceRangeWish> parse_service_ranges(const std::string& text);

// From where Services have their addresses, when that is known.
std::optional<Pool> known_service_range(const std::string& folder);
// From where Services have their addresses: what is remembered, else what is wanted, else the first
// of a few usual ranges to which no route leads, and one of IPv6 where the kernel has it. The lock
// must be held. Throws sys::Error.
Pool service_range(const std::string& folder, const ServiceRangeWish& wanted);

}  // namespace pausa::net
