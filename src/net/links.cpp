#include "net/links.hpp"

#include "sys/error.hpp"

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sys/socket.h>

#include <cstring>

namespace pausa::net {
namespace {

constexpr std::uint8_t no_address_generation = 1;  // IN6_ADDR_GEN_MODE_NONE

Link read_link(nlmsghdr* header) {
  const auto& info = *static_cast<const ifinfomsg*>(::nlmsg_data(header));
  Link link;
  link.index = info.ifi_index;
  link.up = (info.ifi_flags & IFF_UP) != 0;
  std::array<nlattr*, IFLA_MAX + 1> attributes{};
  if (::nlmsg_parse(header, sizeof info, attributes.data(), IFLA_MAX, nullptr) < 0) return link;
  if (attributes[IFLA_IFNAME]) link.name = ::nla_get_string(attributes[IFLA_IFNAME]);
  if (attributes[IFLA_MTU]) link.mtu = ::nla_get_u32(attributes[IFLA_MTU]);
  if (attributes[IFLA_MASTER])
    link.master = static_cast<int>(::nla_get_u32(attributes[IFLA_MASTER]));
  if (attributes[IFLA_ADDRESS] && ::nla_len(attributes[IFLA_ADDRESS]) == 6)
    std::memcpy(link.hardware.data(), ::nla_data(attributes[IFLA_ADDRESS]), 6);
  if (attributes[IFLA_LINKINFO]) {
    std::array<nlattr*, IFLA_INFO_MAX + 1> details{};
    if (::nla_parse_nested(details.data(), IFLA_INFO_MAX, attributes[IFLA_LINKINFO], nullptr) >=
            0 &&
        details[IFLA_INFO_KIND])
      link.kind = ::nla_get_string(details[IFLA_INFO_KIND]);
  }
  return link;
}

std::optional<Link> ask_link(Netlink& netlink, const Message& question, const std::string& what) {
  std::optional<Link> link;
  const int failed = netlink.ask(question, [&link](nlmsghdr* header) {
    if (header->nlmsg_type == RTM_NEWLINK) link = read_link(header);
  });
  if (failed == ENODEV) return std::nullopt;
  if (failed != 0) throw sys::Error(failed, "look at the network interface " + what);
  return link;
}

void put_size_of_queues(Message& message) {
  message.put(IFLA_NUM_TX_QUEUES, std::uint32_t{1});
  message.put(IFLA_NUM_RX_QUEUES, std::uint32_t{1});
}

}  // namespace

std::optional<Link> find_link(Netlink& netlink, const std::string& name) {
  Message question(RTM_GETLINK, 0);
  question.header(ifinfomsg{});
  question.put(IFLA_IFNAME, name);
  return ask_link(netlink, question, name);
}

std::optional<Link> find_link(Netlink& netlink, int index) {
  Message question(RTM_GETLINK, 0);
  ifinfomsg info{};
  info.ifi_index = index;
  question.header(info);
  return ask_link(netlink, question, "number " + std::to_string(index));
}

int make_bridge(Netlink& netlink, const std::string& name, const HardwareAddress& hardware) {
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  message.header(ifinfomsg{});
  message.put(IFLA_IFNAME, name);
  message.put(IFLA_ADDRESS, hardware.data(), hardware.size());
  message.nest(IFLA_LINKINFO, [&] { message.put(IFLA_INFO_KIND, std::string("bridge")); });
  return netlink.ask(message);
}

void set_mtu(Netlink& netlink, const Link& link, unsigned mtu) {
  Message message(RTM_NEWLINK, 0);
  ifinfomsg info{};
  info.ifi_index = link.index;
  message.header(info);
  message.put(IFLA_MTU, mtu);
  netlink.must(message, "set the MTU of " + link.name);
}

int make_veth(Netlink& netlink, const Veth& veth) {
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  message.header(ifinfomsg{});
  message.put(IFLA_IFNAME, veth.name);
  message.put(IFLA_MTU, veth.mtu);
  message.put(IFLA_MASTER, static_cast<std::uint32_t>(veth.bridge));
  put_size_of_queues(message);
  message.nest(IFLA_LINKINFO, [&] {
    message.put(IFLA_INFO_KIND, std::string("veth"));
    message.nest(IFLA_INFO_DATA, [&] {
      message.nest(VETH_INFO_PEER, [&] {
        message.header(ifinfomsg{});
        message.put(IFLA_IFNAME, veth.peer);
        message.put(IFLA_MTU, veth.mtu);
        message.put(IFLA_ADDRESS, veth.peer_hardware.data(), veth.peer_hardware.size());
        message.put(IFLA_NET_NS_PID, static_cast<std::uint32_t>(veth.pid));
        put_size_of_queues(message);
      });
    });
  });
  return netlink.ask(message);
}

bool knows_veth(Netlink& netlink) {
  constexpr std::uint32_t too_small = 1;  // veth_validate() looks at the MTU first: EINVAL
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  message.header(ifinfomsg{});
  message.put(IFLA_MTU, too_small);
  message.nest(IFLA_LINKINFO, [&] { message.put(IFLA_INFO_KIND, std::string("veth")); });
  return netlink.ask(message) != EOPNOTSUPP;
}

void bring_up(Netlink& netlink, const Link& link) {
  Message message(RTM_NEWLINK, 0);
  ifinfomsg info{};
  info.ifi_index = link.index;
  info.ifi_flags = IFF_UP;
  info.ifi_change = IFF_UP;
  message.header(info);
  message.nest(IFLA_AF_SPEC, [&] {
    message.nest(AF_INET6, [&] {
      message.put(IFLA_INET6_ADDR_GEN_MODE, &no_address_generation, sizeof no_address_generation);
    });
  });
  int failed = netlink.ask(message);
  if (failed == EAFNOSUPPORT || failed == EOPNOTSUPP) {  // a kernel without IPv6
    Message plain(RTM_NEWLINK, 0);
    plain.header(info);
    failed = netlink.ask(plain);
  }
  if (failed != 0) throw sys::Error(failed, "bring up the network interface " + link.name);
}

void delete_link(Netlink& netlink, const Link& link) {
  Message message(RTM_DELLINK, 0);
  ifinfomsg info{};
  info.ifi_index = link.index;
  message.header(info);
  const int failed = netlink.ask(message);
  if (failed != 0 && failed != ENODEV)
    throw sys::Error(failed, "remove the network interface " + link.name);
}

void add_address(Netlink& netlink, const Link& link, const Subnet& subnet, const Address& address) {
  Message message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
  ifaddrmsg info{};
  info.ifa_family = address.v6 ? AF_INET6 : AF_INET;
  info.ifa_prefixlen = static_cast<std::uint8_t>(subnet.prefix);
  info.ifa_flags = address.v6 ? IFA_F_NODAD : 0;
  info.ifa_index = static_cast<std::uint32_t>(link.index);
  message.header(info);
  message.put(IFA_LOCAL, address);
  message.put(IFA_ADDRESS, address);
  netlink.must(message, "give the address " + to_text(address) + " to " + link.name);
}

}  // namespace pausa::net
