// From where Services have their addresses. folder: what we remember of all bridges
// (BridgeConfig::folder).
#pragma once

#include "net/address.hpp"

#include <optional>
#include <string>

namespace pausa::net {

// The folder of what Services need to be remembered; it is there as long as there are any.
std::string services_folder(const std::string& folder);

// From where Services have their addresses, when that is known.
std::optional<Subnet> known_service_range(const std::string& folder);
// From where Services have their addresses: the one that is remembered, else `wanted`, else the
// first of a few usual ones to which no route leads. The lock must be held. Throws sys::Error.
Subnet service_range(const std::string& folder, const std::optional<Subnet>& wanted);

}  // namespace pausa::net
