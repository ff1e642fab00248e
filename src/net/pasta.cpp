#include "net/pasta.hpp"

#include "net/routes.hpp"
#include "sys/error.hpp"
#include "sys/net_socket.hpp"
#include "sys/tool.hpp"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <sstream>

namespace pausa::net {
namespace {

// Link-local addresses are no host's own, and nobody routes them.
constexpr const char* own_v4 = "169.254.86.2";
constexpr const char* prefix_v4 = "29";
constexpr const char* gateway_v4 = "169.254.86.1";
constexpr const char* own_v6 = "fd70:6175:7361:a::2";
constexpr const char* gateway_v6 = "fe80::1";

}  // namespace

std::string pasta_program() {
  return sys::find_tool("pasta");
}

// Nothing is forwarded into the namespace by itself, and nothing in there becomes a way to the
// host's loopback, neither by a port nor by the gateway's address.
std::vector<std::string> pasta_arguments(const std::string& network) {
  return {"pasta",           "--foreground", "--quiet",       "--config-net",
          "--tcp-ports",     "none",         "--udp-ports",   "none",
          "--tcp-ns",        "none",         "--udp-ns",      "none",
          "--no-map-gw",     "--no-dhcp",    "--no-dhcpv6",   "--no-ra",
          "--mtu",           "65520",        "--ns-ifname",   "pasta0",
          "--address",       own_v4,         "--netmask",     prefix_v4,
          "--gateway",       gateway_v4,     "--address",     own_v6,
          "--gateway",       gateway_v6,     "--dns-forward", pasta_name_server,
          "--no-netns-quit", "--netns",      network};
}

std::string pasta_words(const std::string& errors) {
  std::istringstream lines(errors);
  std::string words;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.find("syslog") != std::string::npos) continue;
    // It goes without these.
    if (line.find("nameserver") != std::string::npos) continue;
    words = line;  // the last one says why it ended
  }
  return words;
}

WayOut::WayOut(int network) {
  {
    Netlink host(NETLINK_ROUTE);
    v4_ = find_uplink(host, false).has_value();
    v6_ = find_uplink(host, true).has_value();
  }
  routes_ = sys::socket_in(network, AF_NETLINK, SOCK_RAW);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
  sys::check(::bind(routes_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
             "watch the routes of a network");
}

void WayOut::hear() {
  alignas(nlmsghdr) std::array<char, 8192> text;
  for (;;) {
    const ssize_t size = ::recv(routes_.get(), text.data(), text.size(), MSG_DONTWAIT);
    if (size <= 0) return;
    auto left = static_cast<unsigned>(size);
    for (auto* header = reinterpret_cast<nlmsghdr*>(text.data()); NLMSG_OK(header, left);
         header = NLMSG_NEXT(header, left)) {
      if (header->nlmsg_type != RTM_NEWROUTE) continue;
      const auto* route = static_cast<const rtmsg*>(NLMSG_DATA(header));
      if (route->rtm_dst_len != 0 || route->rtm_table == RT_TABLE_LOCAL) continue;
      (route->rtm_family == AF_INET6 ? v6_ : v4_) = false;
    }
  }
}

WayOut::State WayOut::await(int pidfd, std::chrono::milliseconds patience) {
  using Clock = std::chrono::steady_clock;
  const bool any = v4_ || v6_;
  constexpr std::chrono::milliseconds nothing_to_come(500);
  const auto deadline = Clock::now() + (any ? patience : std::min(patience, nothing_to_come));
  for (;;) {
    hear();
    if (any && !v4_ && !v6_) return State::open;
    std::array<pollfd, 2> ready{{{routes_.get(), POLLIN, 0}, {pidfd, POLLIN, 0}}};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return State::late;
    if (::poll(ready.data(), ready.size(), static_cast<int>(left)) < 0 && errno != EINTR)
      sys::check(-1, "wait for pasta");
    if (ready[1].revents != 0) return State::ended;
  }
}

}  // namespace pausa::net
