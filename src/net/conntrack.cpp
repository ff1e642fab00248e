#include "net/conntrack.hpp"

#include "net/netlink.hpp"
#include "sys/error.hpp"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string>

namespace pausa::net {
namespace {

template <std::size_t N>
bool parse_inside(nlattr* attribute, std::array<nlattr*, N>& parts) {
  return attribute != nullptr &&
         ::nla_parse_nested(parts.data(), static_cast<int>(N) - 1, attribute, nullptr) >= 0;
}

struct Tuple {
  Address source, destination;
  std::uint8_t protocol = 0;
  std::uint16_t port = 0;
};

std::optional<Tuple> parse_tuple(nlattr* attribute, bool v6) {
  std::array<nlattr*, CTA_TUPLE_MAX + 1> tuple{};
  std::array<nlattr*, CTA_IP_MAX + 1> ip{};
  std::array<nlattr*, CTA_PROTO_MAX + 1> protocol{};
  if (!parse_inside(attribute, tuple) || !parse_inside(tuple[CTA_TUPLE_IP], ip) ||
      !parse_inside(tuple[CTA_TUPLE_PROTO], protocol) || protocol[CTA_PROTO_NUM] == nullptr)
    return std::nullopt;
  const auto source = address_in(ip[v6 ? CTA_IP_V6_SRC : CTA_IP_V4_SRC], v6);
  const auto destination = address_in(ip[v6 ? CTA_IP_V6_DST : CTA_IP_V4_DST], v6);
  if (!source || !destination) return std::nullopt;
  Tuple out{*source, *destination, *static_cast<std::uint8_t*>(::nla_data(protocol[CTA_PROTO_NUM])),
            0};
  if (const auto* port = protocol[CTA_PROTO_DST_PORT];
      port != nullptr && ::nla_len(port) == sizeof out.port) {
    std::memcpy(&out.port, ::nla_data(port), sizeof out.port);
    out.port = ntohs(out.port);
  }
  return out;
}

// What names an entry to the kernel: its attributes as they came.
struct Name {
  std::string tuple;
  std::string id;
};

std::string bytes_of(const nlattr* attribute) {
  if (attribute == nullptr) return {};
  return {static_cast<const char*>(::nla_data(attribute)),
          static_cast<std::size_t>(::nla_len(attribute))};
}

Message request(int what, int flags, bool v6) {
  Message message(NFNL_SUBSYS_CTNETLINK << 8 | what, flags);
  message.header(nfgenmsg{static_cast<std::uint8_t>(v6 ? AF_INET6 : AF_INET), NFNETLINK_V0, 0});
  return message;
}

std::vector<Name> find(Netlink& netlink, bool v6, const std::function<bool(const Flow&)>& meant) {
  std::vector<Name> names;
  (void)netlink.ask(request(IPCTNL_MSG_CT_GET, NLM_F_DUMP, v6), [&](nlmsghdr* header) {
    std::array<nlattr*, CTA_MAX + 1> entry{};
    if (::nlmsg_parse(header, sizeof(nfgenmsg), entry.data(), CTA_MAX, nullptr) < 0) return;
    const auto begun = parse_tuple(entry[CTA_TUPLE_ORIG], v6);
    const auto answer = parse_tuple(entry[CTA_TUPLE_REPLY], v6);
    if (!begun || !answer) return;
    const Flow flow{begun->protocol, begun->source,  begun->destination,
                    begun->port,     answer->source, answer->destination};
    if (meant(flow)) names.push_back({bytes_of(entry[CTA_TUPLE_ORIG]), bytes_of(entry[CTA_ID])});
  });
  return names;
}

}  // namespace

bool Flow::is_of(const Address& address) const {
  return source == address || destination == address || answer_source == address ||
         answer_destination == address;
}

std::size_t forget_flows(const std::function<bool(const Flow&)>& meant) noexcept {
  std::size_t forgotten = 0;
  try {
    Netlink netlink(NETLINK_NETFILTER);
    for (const bool v6 : {false, true})
      for (const auto& name : find(netlink, v6, meant)) {
        auto message = request(IPCTNL_MSG_CT_DELETE, 0, v6);
        message.put(CTA_TUPLE_ORIG | NLA_F_NESTED, name.tuple.data(), name.tuple.size());
        if (!name.id.empty()) message.put(CTA_ID, name.id.data(), name.id.size());
        if (netlink.ask(message) == 0) ++forgotten;
      }
  } catch (const std::exception&) {
    return forgotten;  // a kernel without conntrack remembers nothing
  }
  return forgotten;
}

std::size_t forget_flows_of(const std::vector<Address>& addresses) noexcept {
  if (addresses.empty()) return 0;
  return forget_flows([&addresses](const Flow& flow) {
    return std::any_of(addresses.begin(), addresses.end(),
                       [&flow](const Address& address) { return flow.is_of(address); });
  });
}

}  // namespace pausa::net
