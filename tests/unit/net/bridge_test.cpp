// A bridge and its rules.
#include "net/bridge.hpp"

#include "net/nat.hpp"
#include "net/port_map.hpp"
#include "support/own_network.hpp"

#include <linux/netfilter.h>

using namespace pausa;
using namespace pausa::test;

TEST_SUITE_BEGIN("net/bridge");

TEST_CASE("the rules let in what is established or published, and nothing onto the loopback") {
  const net::Pool pool{*net::parse_subnet("10.1.0.0/16"), net::parse_subnet("fd00::/64")};
  const auto text = net::ruleset("br7", pool);
  CHECK(text.find("ip saddr 10.1.0.0/16 ip daddr != 10.1.0.0/16 masquerade") != std::string::npos);
  CHECK(text.find("ip6 saddr fd00::/64 ip6 daddr != fd00::/64 masquerade") != std::string::npos);
  const auto loopback = text.find("    ip daddr 127.0.0.0/8 drop\n");
  const auto pods = text.find("ip saddr 10.1.0.0/16 ip saddr != 10.1.0.1 accept");
  CHECK(text.find("iifname != \"br7\" accept") < loopback);
  CHECK(loopback < pods);
  const auto others = text.find("\n    drop\n  }\n");
  REQUIRE(others != std::string::npos);
  CHECK(pods < others);
  CHECK(text.find("ip6 saddr fd00::/64 ip6 saddr != fd00::1 accept") < others);
  const auto guard = text.find("type filter hook prerouting priority raw; policy accept;");
  CHECK(guard < loopback);
  CHECK(net::ruleset("br7", {pool.v4, std::nullopt}).find("ip6 saddr") == std::string::npos);
}

TEST_CASE("interfaces are named by the pod's uid") {
  CHECK(net::veth_name("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0") == "pausa0f1e2d3c4b");
}

TEST_CASE("a bridge is made once, put right when damaged, and removed with its rules") {
  const test::TempTree tree;
  in_own_network([&tree] {
    const auto config = config_in(tree);
    const auto first = net::ensure_bridge(config);
    must(first.note.empty(), "no note: " + first.note);
    must(says("ip -d link show pausa0", "bridge"), "there is a bridge");
    must(says("ip address show pausa0", "inet 10.86.0.1/16"), "it has its address");
    must(says("cat /proc/sys/net/ipv4/ip_forward", "1"), "packets are forwarded");
    const auto has_rules = [&first] { return net::has_rules("pausa0", first.pool, false); };
    must(has_rules(), "there are rules");
    must(!net::has_rules("pausa0", first.pool, true), "and no others");
    must(net::ensure_bridge(config).pool == first.pool, "the second finds the first's");

    for (const char* flush : {"ruleset", "table inet pausa-pausa0"}) {
      (void)output_of(std::string("nft flush ") + flush);
      must(!has_rules(), std::string("they are gone: ") + flush);
      (void)net::ensure_bridge(config);
      must(has_rules() && says("nft list ruleset", "masquerade"), "the rules are made again");
    }

    (void)output_of("ip link delete pausa0");
    must(net::ensure_bridge(config).pool == first.pool, "a new bridge has the old range");
    must(says("ip link show pausa0", "UP"), "it is up");

    net::remove_bridge(config);
    must(!net::has_table("pausa-pausa0", NFPROTO_INET), "the rules go with it");
    must(says("ip link show pausa0", "does not exist"), "the bridge is gone");
    must(::access(config.own().c_str(), F_OK) != 0, "and its folder");
  });
}

TEST_CASE("a bridge that was left half made is finished by the next") {
  const test::TempTree tree;
  in_own_network([&tree] {
    sys::check(::unshare(CLONE_NEWNS), "unshare");
    (void)output_of("echo 0 >/proc/sys/net/ipv4/ip_forward");
    (void)output_of("mount --make-rprivate / && mount --bind /proc/sys /proc/sys");
    must(output_of("mount -o remount,bind,ro /proc/sys").empty(), "read-only");
    bool failed = false;
    try {
      (void)net::ensure_bridge(config_in(tree));
    } catch (const sys::Error&) {
      failed = true;
    }
    must(failed && says("ip link show pausa0", "pausa0"), "it is there and not whole");
    (void)output_of("umount /proc/sys");
    (void)net::ensure_bridge(config_in(tree));
    must(says("cat /proc/sys/net/ipv4/ip_forward", "1"), "packets are forwarded");
    must(says("ip route", "10.86.0.0/16 dev pausa0"), "there is a way to the pods");
  });
}

TEST_CASE(
    "the host's loopback leads to pods as long as there are rules, and again when it did not") {
  const test::TempTree tree;
  in_own_network([&tree] {
    const auto config = config_in(tree);
    const auto ensure = [&config] { return net::ensure_bridge(config).note; };
    const std::string path = "/proc/sys/net/ipv4/conf/pausa0/route_localnet";
    must(ensure().empty() && says("cat " + path, "1"), "it does");
    must(output_of("echo 0 >" + path).empty(), "as if its maker had been killed");
    must(ensure().empty() && says("cat " + path, "1"), "it does again");

    sys::check(::unshare(CLONE_NEWNS), "unshare");
    (void)output_of("mount --make-rprivate / && mount --bind /proc/sys /proc/sys");
    must(output_of("mount -o remount,bind,ro /proc/sys").empty(), "read-only");
    (void)output_of("nft flush table inet pausa-pausa0");
    const auto note = ensure();
    must(note.empty(), "new rules for old ones do not switch it off: " + note);
    (void)output_of("mount -o remount,bind,rw /proc/sys; echo 0 >" + path);
    (void)output_of("mount -o remount,bind,ro /proc/sys");
    must(ensure().find("published ports are not reached at 127.0.0.1: ") == 0, "a note says so");
  });
}

TEST_CASE("rules of another version are made anew, and published ports stay where they lead") {
  const test::TempTree tree;
  in_own_network([&tree] {
    const auto config = config_in(tree);
    const auto pool = net::ensure_bridge(config).pool;
    const auto mark = net::mark_of(net::ruleset("pausa0", pool));
    const net::PublishedPort port{std::nullopt, 8080, 80, false};
    must(net::add_to_map("pausa0", port, *net::parse_address("10.86.0.7")), "a port");
    const std::string table = "inet pausa-pausa0 ";
    must(output_of("nft rename chain " + table + mark + " made_0").empty(), "another mark");
    must(output_of("nft flush chain " + table + "leave").empty(), "other rules");
    (void)net::ensure_bridge(config);
    must(net::has_rules("pausa0", pool, false), "ours are there");
    must(says("nft list chain " + table + "leave", "masquerade"), "all of them");
    must(says("nft list map " + table + "any4", "tcp . 8080 : 10.86.0.7 . 80"), "and the port");
    const auto listed = output_of("nft list table " + table);
    net::make_rules("pausa0", pool, false);
    must(output_of("nft list table " + table) == listed, "once more makes nothing of it");

    must(output_of("nft delete table inet pausa-pausa0 ; nft add table " + table +
                   "; nft add chain " + table + "leave \"{ type filter hook input priority 0; }\"")
             .empty(),
         "a chain elsewhere");
    (void)net::ensure_bridge(config);
    must(net::has_rules("pausa0", pool, false), "a table that cannot become ours goes");
  });
}

TEST_CASE("no port leads into a range that is no more the bridge's") {
  const test::TempTree tree;
  in_own_network([&tree] {
    const auto config = config_in(tree);
    const auto pool = net::ensure_bridge(config).pool;
    const net::PublishedPort port{std::nullopt, 8080, 80, false};
    must(net::add_to_map("pausa0", port, pool.v4_of(7)), "a port");
    must(output_of("rm -r " + config.own()).empty(), "nothing is remembered");
    must(!(net::ensure_bridge(config).pool.v4 == pool.v4), "the range is another one");
    must(output_of("nft list map inet pausa-pausa0 any4").find("8080") == std::string::npos,
         "the port is gone");
  });
}

TEST_CASE("two bridges of one run root have ranges, rules and ends of their own") {
  const test::TempTree tree;
  in_own_network([&tree] {
    const auto first = config_in(tree);
    auto second = first;
    second.name = "filter";
    (void)output_of("nft add table inet filter");
    const auto pool = net::ensure_bridge(first).pool;
    must(!net::ensure_bridge(second).pool.v4.overlaps(pool.v4), "ranges differ");
    (void)output_of("ip link delete pausa0");
    auto third = first;
    third.name = "third";
    third.range = pool.v4;
    bool refused = false;
    try {
      (void)net::ensure_bridge(third);
    } catch (const sys::Error&) {
      refused = true;
    }
    must(refused, "a range stays taken though its bridge has gone for now");
    net::remove_bridge(second);
    must(says("nft list tables", "table inet filter\n"), "somebody's table by its name stays");
    must(net::ensure_bridge(first).pool == pool, "the other one is untouched");
  });
}

TEST_CASE("ports of pods are put into the kernel's maps and taken out again") {
  const test::TempTree tree;
  in_own_network([&tree] {
    (void)net::ensure_bridge(config_in(tree));
    const auto pod4 = *net::parse_address("10.86.0.7");
    const auto pod6 = *net::parse_address("fd00::7");
    net::PublishedPort port{std::nullopt, 8080, 80, false};
    must(net::add_to_map("pausa0", port, pod4), "added");
    must(net::add_to_map("pausa0", port, pod4), "again");
    must(net::add_to_map("pausa0", port, pod6), "of IPv6");
    must(says("nft list map inet pausa-pausa0 any4", "tcp . 8080 : 10.86.0.7 . 80"), "IPv4");
    must(says("nft list map inet pausa-pausa0 any6", "tcp . 8080 : fd00::7 . 80"), "IPv6");
    port.pod_port = 81;
    must(net::add_to_map("pausa0", port, pod4), "changed");
    must(says("nft list map inet pausa-pausa0 any4", "10.86.0.7 . 81"), "to another port");
    net::PublishedPort one{net::parse_address("127.0.0.1"), 5300, 53, true};
    must(net::add_to_map("pausa0", one, pod4), "on one address");
    must(says("nft list map inet pausa-pausa0 one4", "udp . 127.0.0.1 . 5300 : 10.86.0.7 . 53"),
         "by UDP");
    must(!net::add_to_map("pausa0", {net::parse_address("::1"), 1, 1, false}, pod6), "not ::1");
    must(!net::add_to_map("elsewhere", port, pod4), "no table, no port");
    net::remove_from_map("pausa0", {one});
    net::remove_from_map("pausa0", {one});
    must(output_of("nft list map inet pausa-pausa0 one4").find("udp") == std::string::npos, "out");
    net::PublishedPort other{std::nullopt, 9090, 80, false};
    must(net::add_to_map("pausa0", other, *net::parse_address("10.86.0.8")), "another pod's");
    net::remove_all_to("pausa0", {pod4, pod6});
    const auto left = output_of("nft list table inet pausa-pausa0");
    must(left.find("10.86.0.7") == std::string::npos && left.find("fd00::7") == std::string::npos,
         "all of the one pod's: " + left);
    must(left.find("10.86.0.8") != std::string::npos, "and none of the other's");
  });
}

TEST_CASE("a bridge that somebody else made is not touched") {
  const test::TempTree tree;
  in_own_network([&tree] {
    (void)output_of("ip link add pausa0 type bridge");
    std::string said;
    try {
      (void)net::ensure_bridge(config_in(tree));
    } catch (const sys::Error& error) {
      said = error.what();
    }
    must(said.find("pausa0 is there already") != std::string::npos, "it is refused: " + said);
    net::remove_bridge(config_in(tree));
    must(says("ip link show pausa0", "pausa0"), "it is still there");
  });
}

TEST_CASE("ranges that routes lead to are avoided; a configured one is refused") {
  const test::TempTree tree;
  in_own_network([&tree] {
    (void)output_of(
        "ip link add d0 type bridge; ip link set d0 up; ip route add 10.86.5.0/24 dev d0");
    auto config = config_in(tree);
    config.range = net::parse_subnet("10.86.0.0/16");
    std::string said;
    try {
      (void)net::ensure_bridge(config);
    } catch (const sys::Error& error) {
      said = error.what();
    }
    must(said.find("10.86.0.0/16 for pods overlaps one that is in use, 10.86.5.0/24") !=
             std::string::npos,
         said);
    config.range.reset();
    must(net::to_text(net::ensure_bridge(config).pool.v4) == "10.186.0.0/16", "the next is taken");
  });
}

TEST_SUITE_END();
