#include "net/attach.hpp"

#include "net/links.hpp"
#include "net/routes.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"
#include "sys/socket.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <utility>

namespace pausa::net {
namespace {

constexpr const char* inside = "eth0";
constexpr int patience_ms = 10'000;
constexpr std::size_t most_text = 2048;
constexpr unsigned usual_mtu = 1500;

struct Uplinks {
  std::optional<Uplink> v4, v6;
};

// Found half made, it is made anew: with its old end it belongs to a namespace that is dying, or to
// a pod of ours that was left alone by whoever made it.
void make_pair(Netlink& netlink, const AttachRequest& request, const Pool& pool) {
  auto bridge = find_link(netlink, request.bridge.name);
  // Who is not in that network has not asked whether it is whole.
  if (!bridge || request.network >= 0) {
    (void)ensure_bridge(request.bridge);
    bridge = find_link(netlink, request.bridge.name);
    if (!bridge) throw sys::Error("the bridge " + request.bridge.name + " is gone");
  }
  const Veth veth{request.veth,  inside,      request.pid,
                  bridge->index, bridge->mtu, hardware_address(pool.v4_of(request.number))};
  int failed = make_veth(netlink, veth);
  if (failed == EEXIST) {
    if (const auto old = find_link(netlink, request.veth)) delete_link(netlink, *old);
    failed = make_veth(netlink, veth);
  }
  if (failed != 0) throw sys::Error(failed, "make the network interface " + request.veth);
  const auto link = find_link(netlink, request.veth);
  if (!link) throw sys::Error("the network interface " + request.veth + " is gone");
  bring_up(netlink, *link);
}

// The bridge takes larger packets than the world does. This machine itself is as near as the
// bridge, whose own address the kernel tells where the way out has none.
void lead_out(Netlink& netlink, const Link& link, const Subnet& range, const Address& gateway,
              const std::optional<Uplink>& uplink, unsigned without) {
  const unsigned mtu = uplink ? uplink->link.mtu : without;
  if (mtu >= link.mtu) return add_route(netlink, link, gateway, nullptr, 0);
  add_route(netlink, link, gateway, nullptr, mtu);
  if (uplink && uplink->own && !range.contains(*uplink->own))
    add_route(netlink, link, gateway, &*uplink->own, 0);
}

void configure_inside(const AttachRequest& request, const Pool& pool, const Uplinks& uplinks) {
  Netlink netlink(NETLINK_ROUTE);
  const auto link = find_link(netlink, inside);
  if (!link) throw sys::Error("the pod's network interface is gone");
  const std::string advertised = std::string("/proc/sys/net/ipv6/conf/") + inside + "/accept_ra";
  if (::access(advertised.c_str(), F_OK) == 0) sys::write_file_at(AT_FDCWD, advertised, "0");
  bring_up(netlink, *link);
  // Where pasta is away it comes again, and takes what the bridge takes.
  const unsigned mtu = request.network >= 0 ? link->mtu : usual_mtu;
  add_address(netlink, *link, pool.v4, pool.v4_of(request.number));
  lead_out(netlink, *link, pool.v4, pool.v4_of(Pool::bridge_number), uplinks.v4, mtu);
  if (!pool.v6) return;
  add_address(netlink, *link, *pool.v6, *pool.v6_of(request.number));
  lead_out(netlink, *link, *pool.v6, *pool.v6_of(Pool::bridge_number), uplinks.v6, mtu);
}

}  // namespace

void attach_here(const AttachRequest& request) {
  const auto pool = remembered_pool(request.bridge);
  if (!pool) throw sys::Error("the bridge " + request.bridge.name + " has no range");
  if (request.network >= 0)
    sys::check(::setns(request.network, CLONE_NEWNET), "enter the network of the user's pods");
  Uplinks uplinks;
  {
    Netlink netlink(NETLINK_ROUTE);
    make_pair(netlink, request, *pool);
    uplinks.v4 = find_uplink(netlink, false);
    if (pool->v6) uplinks.v6 = find_uplink(netlink, true);
  }
  sys::check(::setns(request.pidfd, CLONE_NEWNET), "enter the pod's network");
  configure_inside(request, *pool, uplinks);
}

bool is_attached(const AttachRequest& request) {
  Netlink netlink(NETLINK_ROUTE);
  const auto link = find_link(netlink, request.veth);
  const auto bridge = find_link(netlink, request.bridge.name);
  return link && bridge && link->master == bridge->index;
}

Attachment::Attachment(const AttachRequest& request) {
  auto [ours, theirs] = sys::socket_pair(SOCK_SEQPACKET);
  const pid_t parent = ::getpid();
  child_ = sys::check(::fork(), "start a process for the pod's network");
  if (child_ > 0) {
    report_ = std::move(ours);
    return;
  }
  std::string text(1, '\0');
  try {
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    ours.reset();
    attach_here(request);
  } catch (const std::exception& error) {
    text = error.what();
  }
  (void)sys::send_packet(theirs.get(), text.data(), std::min(text.size(), most_text));
  ::_exit(0);
}

Attachment::Attachment(Attachment&& other) noexcept
    : child_(std::exchange(other.child_, -1)), report_(std::move(other.report_)) {}

Attachment::~Attachment() {
  if (child_ <= 0) return;
  (void)::kill(child_, SIGKILL);  // our own child, not reaped: the pid is its
  reap();
}

void Attachment::reap() noexcept {
  while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {}
  child_ = -1;
}

void Attachment::finish() {
  pollfd ready{report_.get(), POLLIN, 0};
  int polled;
  do polled = ::poll(&ready, 1, patience_ms);
  while (polled < 0 && errno == EINTR);
  if (polled <= 0) throw sys::Error(ETIMEDOUT, "set up the pod's network");
  std::array<char, most_text> text{};
  int none = -1;
  const long size = sys::receive_packet(report_.get(), text.data(), text.size(), none);
  reap();
  if (size <= 0) throw sys::Error("set up the pod's network: its process died");
  if (text[0] != '\0')
    throw sys::Error("set up the pod's network: " +
                     std::string(text.data(), static_cast<std::size_t>(size)));
}

std::string explain(const AttachRequest& request, const Pool& pool) {
  const std::string in_pod = "nsenter -t $INFRA -n ";
  std::string text = "join the bridge " + request.bridge.name +
                     "\n    netlink RTM_NEWLINK, both ends at once    $ ip link add " +
                     request.veth + " master " + request.bridge.name +
                     " up numtxqueues 1 type veth peer name " + inside + " netns $INFRA\n";
  const auto address = [&](const Subnet& range, const Address& own, const Address& gateway) {
    const std::string ip = range.base.v6 ? "ip -6 " : "ip ";
    text += "give the pod " + to_text(own) + "\n    netlink RTM_NEWADDR, RTM_NEWROUTE    $ " +
            in_pod + ip + "address add " + to_text(own) + "/" + std::to_string(range.prefix) +
            " dev " + inside + " && " + in_pod + ip + "route add default via " + to_text(gateway) +
            " mtu $UPLINK\n";
  };
  address(pool.v4, pool.v4_of(request.number), pool.v4_of(Pool::bridge_number));
  if (pool.v6) address(*pool.v6, *pool.v6_of(request.number), *pool.v6_of(Pool::bridge_number));
  return text;
}

}  // namespace pausa::net
