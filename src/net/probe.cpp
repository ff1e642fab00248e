#include "net/probe.hpp"

#include "net/links.hpp"
#include "net/nat.hpp"
#include "net/policy.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"
#include "sys/probe.hpp"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <functional>

namespace pausa::net {
namespace {

constexpr unsigned usual_mtu = 1500;

// make: gives an errno, or throws.
int try_in_new_network(bool in_user_namespace, const std::function<int()>& make) {
  return sys::probe_inside(CLONE_NEWNET, in_user_namespace, [&make] {
    try {
      errno = make();
    } catch (const sys::Error& error) {
      errno = error.code() ? error.code().value() : EOPNOTSUPP;
    }
    return errno == 0;
  });
}

}  // namespace

int probe_bridge(bool in_user_namespace) {
  return try_in_new_network(in_user_namespace, [] {
    Netlink netlink(NETLINK_ROUTE);
    return make_bridge(netlink, "trial", {0x02});
  });
}

int probe_veth(bool in_user_namespace) {
  return try_in_new_network(in_user_namespace, [] {
    Netlink netlink(NETLINK_ROUTE);
    return make_veth(netlink, {"trial", "peer", ::getpid(), 0, usual_mtu, {0x02}});
  });
}

int probe_rules(bool in_user_namespace) {
  return try_in_new_network(in_user_namespace, [] {
    make_rules("trial", {*parse_subnet("192.0.2.0/24"), parse_subnet("2001:db8::/64")}, false);
    return 0;
  });
}

int probe_policies(bool in_user_namespace) {
  return try_in_new_network(in_user_namespace, [] {
    const PolicyBridge bridge{
        "trial", {*parse_subnet("192.0.2.0/24"), parse_subnet("2001:db8::/64")}, {0x02}};
    PolicyAllow allow;
    allow.peers = {"192.0.2.3", "2001:db8::3"};
    allow.blocks = {{"198.51.100.0/24", {"198.51.100.0/26"}}};
    allow.ports = {{false, 80, 90}, {true, 53, 53}};
    allow.doors = {{"192.0.2.2", false, 443}};
    PolicyPod pod;
    pod.interface = "trialpod";
    pod.addresses = {"192.0.2.2", "2001:db8::2"};
    pod.ingress = pod.egress = {0};
    run_nft(policy_rules("pausa-trial", {bridge}, {{"trial", false, {allow}}}, {pod}));
    return 0;
  });
}

bool has_ipv6() {
  const auto disabled =
      sys::read_file_at(AT_FDCWD, "/proc/sys/net/ipv6/conf/default/disable_ipv6", 2);
  return disabled && disabled->starts_with('0');
}

}  // namespace pausa::net
