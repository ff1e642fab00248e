#include "net/routes.hpp"

#include "sys/error.hpp"

#include <linux/rtnetlink.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <array>

namespace pausa::net {
namespace {

struct Route {
  Subnet to;
  int interface = 0;
  unsigned char table = 0;
  unsigned char type = 0;
  std::optional<Address> source;
};

Route read_route(nlmsghdr* header) {
  const auto& info = *static_cast<const rtmsg*>(::nlmsg_data(header));
  Route route;
  const bool v6 = info.rtm_family == AF_INET6;
  route.to.base.v6 = v6;
  route.to.prefix = info.rtm_dst_len;
  route.table = info.rtm_table;
  route.type = info.rtm_type;
  std::array<nlattr*, RTA_MAX + 1> attributes{};
  if (::nlmsg_parse(header, sizeof info, attributes.data(), RTA_MAX, nullptr) < 0) return route;
  if (const auto to = address_in(attributes[RTA_DST], v6)) route.to.base = *to;
  route.source = address_in(attributes[RTA_PREFSRC], v6);
  if (attributes[RTA_OIF]) route.interface = static_cast<int>(::nla_get_u32(attributes[RTA_OIF]));
  return route;
}

}  // namespace

std::vector<Subnet> routed_ranges(Netlink& netlink, int but) {
  std::vector<Subnet> ranges;
  for (const int family : {AF_INET, AF_INET6}) {
    Message question(RTM_GETROUTE, NLM_F_DUMP);
    rtmsg info{};
    info.rtm_family = static_cast<unsigned char>(family);
    question.header(info);
    // A kernel without IPv6 has no routes of it.
    (void)netlink.ask(question, [&](nlmsghdr* header) {
      if (header->nlmsg_type != RTM_NEWROUTE) return;
      const Route route = read_route(header);
      if (route.table == RT_TABLE_LOCAL || route.to.prefix == 0) return;
      if (route.interface == but && but != 0) return;
      ranges.push_back(route.to);
    });
  }
  return ranges;
}

Subnet random_v6_range(unsigned prefix) {
  Subnet range;
  range.base.v6 = true;
  range.prefix = prefix;
  range.base.bytes[0] = 0xfd;
  sys::check(::getrandom(range.base.bytes.data() + 1, 5, 0), "choose a range of addresses");
  return range;
}

std::optional<Uplink> find_uplink(Netlink& netlink, bool v6) {
  // Addresses for documentation: nobody has them, so the way there is the way to everywhere.
  const auto far = parse_address(v6 ? "2001:db8::1" : "192.0.2.1");
  Message question(RTM_GETROUTE, 0);
  rtmsg info{};
  info.rtm_family = v6 ? AF_INET6 : AF_INET;
  info.rtm_dst_len = v6 ? 128 : 32;
  question.header(info);
  question.put(RTA_DST, *far);
  std::optional<Route> route;
  const int failed = netlink.ask(question, [&route](nlmsghdr* header) {
    if (header->nlmsg_type == RTM_NEWROUTE) route = read_route(header);
  });
  if (failed != 0 || !route || route->type != RTN_UNICAST || route->interface == 0)
    return std::nullopt;
  auto link = find_link(netlink, route->interface);
  if (!link) return std::nullopt;
  return Uplink{*std::move(link), route->source};
}

void add_route(Netlink& netlink, const Link& link, const Address& gateway, const Address* to,
               unsigned mtu) {
  Message message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
  rtmsg info{};
  info.rtm_family = gateway.v6 ? AF_INET6 : AF_INET;
  if (to != nullptr) info.rtm_dst_len = static_cast<unsigned char>(to->size() * 8);
  info.rtm_table = RT_TABLE_MAIN;
  info.rtm_protocol = RTPROT_STATIC;
  info.rtm_scope = RT_SCOPE_UNIVERSE;
  info.rtm_type = RTN_UNICAST;
  message.header(info);
  if (to != nullptr) message.put(RTA_DST, *to);
  message.put(RTA_GATEWAY, gateway);
  message.put(RTA_OIF, static_cast<std::uint32_t>(link.index));
  if (mtu != 0) message.nest(RTA_METRICS, [&] { message.put(RTAX_MTU, mtu); });
  netlink.must(message,
               (to != nullptr ? "add the route to " + to_text(*to) : "add the default route") +
                   " over " + to_text(gateway));
}

}  // namespace pausa::net
