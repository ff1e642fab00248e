// Network interfaces and their addresses (rtnetlink(7)). Each call is one message. Private to the
// room.
#pragma once

#include "net/netlink.hpp"

#include <sys/types.h>

#include <array>
#include <optional>
#include <string>

namespace pausa::net {

struct Link {
  int index = 0;
  std::string name;
  std::string kind;  // "bridge", "veth"; empty: hardware
  int master = 0;
  unsigned mtu = 0;
  bool up = false;
  HardwareAddress hardware{};
};
std::optional<Link> find_link(Netlink& netlink, const std::string& name);
std::optional<Link> find_link(Netlink& netlink, int index);

// An errno, or 0.
int make_bridge(Netlink& netlink, const std::string& name, const HardwareAddress& hardware);
void set_mtu(Netlink& netlink, const Link& link, unsigned mtu);

struct Veth {
  std::string name;  // ours
  std::string peer;  // the other end's, in the network namespace of `pid`
  pid_t pid = 0;
  int bridge = 0;
  unsigned mtu = 0;
  HardwareAddress peer_hardware{};
};
// Both ends at once, the other one born in its namespace. One queue each: more cost a grace period
// (measured: 478 against 734 us). An errno, or 0.
int make_veth(Netlink& netlink, const Veth& veth);
// Whether this kernel makes such pairs, found out by asking for one that no kernel makes.
bool knows_veth(Netlink& netlink);

// Up, and without an IPv6 address of its own making: with link-local addresses on every port the
// thousandth pod takes four times as long, since neighbour discovery floods the bridge.
void bring_up(Netlink& netlink, const Link& link);
void delete_link(Netlink& netlink, const Link& link);

// Without duplicate address detection: addresses are leased.
void add_address(Netlink& netlink, const Link& link, const Subnet& subnet, const Address& address);

}  // namespace pausa::net
