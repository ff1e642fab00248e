// A pod's way onto its bridge.
#include "net/attach.hpp"

#include "net/lease.hpp"
#include "support/own_network.hpp"
#include "sys/process.hpp"

#include <signal.h>

using namespace pausa;
using namespace pausa::test;

namespace {

constexpr const char* uid = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";

// A process in a network namespace of its own, for as long as this lives.
class Somebody {
 public:
  Somebody() : pid_(::fork()) {
    if (pid_ == 0) {
      (void)::unshare(CLONE_NEWNET);
      ::kill(::getpid(), SIGSTOP);
      for (;;) ::pause();
    }
    int status = 0;
    ::waitpid(pid_, &status, WUNTRACED);
    pidfd_ = sys::open_pidfd(pid_);
  }
  ~Somebody() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Somebody(const Somebody&) = delete;
  Somebody& operator=(const Somebody&) = delete;
  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_.get(); }
  std::string in() const { return "nsenter -t " + std::to_string(pid_) + " -n "; }

 private:
  pid_t pid_;
  sys::UniqueFd pidfd_;
};

net::AttachRequest request_for(const net::BridgeConfig& config, const Somebody& pod,
                               std::uint32_t number) {
  net::AttachRequest request;
  request.bridge = config;
  request.number = number;
  request.veth = net::veth_name(uid);
  request.pid = pod.pid();
  request.pidfd = pod.pidfd();
  return request;
}

}  // namespace

TEST_SUITE_BEGIN("net/attach");

TEST_CASE("a pod gets its interface, addresses and ways out, and again when they were taken") {
  const test::TempTree tree;
  in_own_network([&tree] {
    const auto config = config_in(tree);
    const auto bridge = net::ensure_bridge(config);
    const Somebody pod;
    auto request = request_for(config, pod, 7);
    net::Attachment(request).finish();
    must(says(pod.in() + "ip address show eth0", "inet 10.86.0.7/16"), "IPv4");
    must(says(pod.in() + "ip route", "default via 10.86.0.1 dev eth0"), "a way out");
    must(says(pod.in() + "ip link show eth0", "02:70:0a:56:00:07"), "its hardware address");
    must(output_of(pod.in() + "ip -6 address show eth0").find("fe80") == std::string::npos,
         "no address of its own making");
    if (bridge.pool.v6)
      must(says(pod.in() + "ip -6 address show eth0", net::to_text(*bridge.pool.v6_of(7))), "IPv6");
    must(says("ip link show " + request.veth, "master pausa0"), "its port");
    must(says(pod.in() + "busybox ping -c 1 -W 2 10.86.0.1", "1 packets received"),
         "it reaches the bridge");

    // The other end is still in use: as if the old namespace were dying.
    const Somebody next;
    request.pid = next.pid();
    request.pidfd = next.pidfd();
    net::Attachment(request).finish();
    must(says(next.in() + "ip address show eth0", "inet 10.86.0.7/16"), "made anew");

    (void)net::LeaseBook(config.leases(), bridge.pool).take({uid, "default/web"}, nullptr);
    (void)output_of("ip link delete pausa0");
    (void)net::ensure_bridge(config);
    must(says("ip link show " + request.veth, "master pausa0"), "ports come back to a new bridge");
    must(says("ip link show pausa0", "mtu 57000"), "which is as large as before");

    (void)output_of("ip link delete pausa0; ip link set " + request.veth + " mtu 1500");
    must(output_of(next.in() + "ip link set eth0 mtu 1500").empty(), "as an older build made it");
    (void)net::ensure_bridge(config);
    must(says("ip link show pausa0", "mtu 1500"), "a new bridge is no larger than its ports");
    must(says("busybox ping -c 1 -W 2 -s 5000 10.86.0.7", "1 packets received"),
         "a large packet gets to the pod");
    must(output_of("ip link set " + request.veth + " mtu 9000; ip link set pausa0 down").empty(),
         "the bridge is down");
    (void)net::ensure_bridge(config);
    must(says("ip link show pausa0", "mtu 1500"), "one that was there keeps its size");
  });
}

TEST_CASE("a way out without an address of its own makes no way to the bridge") {
  const test::TempTree tree;
  in_own_network([&tree] {
    (void)output_of(
        "ip link add d0 type veth peer name d1; ip link set d1 up; ip link set d0 addrgenmode none "
        "up");
    must(output_of("ip route add default dev d0; ip -6 route add default dev d0").empty(), "a way");
    const auto config = config_in(tree);
    (void)net::ensure_bridge(config);
    must(says("ip route get 192.0.2.1", "src 10.86.0.1"), "the kernel tells the bridge's address");
    const Somebody pod;
    net::Attachment(request_for(config, pod, 7)).finish();
    must(says(pod.in() + "ip route", "default via 10.86.0.1 dev eth0 proto static mtu 1500"),
         "a way out");
    for (const char* family : {"-4", "-6"}) {
      const auto ways = output_of(pod.in() + "ip " + family + " route show | grep via");
      must(ways.find("default via") == 0 && ways.find('\n') + 1 == ways.size(),
           "no other: " + ways);
    }
  });
}

TEST_CASE("a failure in the child is told as a sentence") {
  const test::TempTree tree;
  in_own_network([&tree] {
    const auto config = config_in(tree);
    (void)net::ensure_bridge(config);
    const Somebody pod;
    auto request = request_for(config, pod, 7);
    request.pid = 0x3fffffff;
    std::string said;
    try {
      net::Attachment(request).finish();
    } catch (const sys::Error& error) {
      said = error.what();
    }
    must(said.find("set up the pod's network: make the network interface pausa0f1e2d3c4b: ") == 0,
         said);
  });
}

TEST_SUITE_END();
