// The kernel's memory of connections (conntrack), asked and changed over netlink. An entry outlives
// the pod that it leads to: packets of UDP would go on to its address, whoever has it next, as long
// as they keep coming. All of it is of the network namespace in which the caller is; where nothing
// is remembered there is nothing to do.
#pragma once

#include "net/address.hpp"

#include <cstdint>
#include <functional>
#include <vector>

namespace pausa::net {

// As it was begun, and who answers: with address translation these differ.
struct Flow {
  std::uint8_t protocol = 0;  // IPPROTO_TCP…
  Address source, destination;
  std::uint16_t port = 0;  // of the destination; 0: it has none
  Address answer_source, answer_destination;

  bool is_of(const Address& address) const;
};

// Forgets those that are meant. How many.
std::size_t forget_flows(const std::function<bool(const Flow&)>& meant) noexcept;
std::size_t forget_flows_of(const std::vector<Address>& addresses) noexcept;

}  // namespace pausa::net
