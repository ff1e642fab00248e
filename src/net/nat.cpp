#include "net/nat.hpp"

#include "net/netlink.hpp"
#include "sys/error.hpp"
#include "sys/hash.hpp"
#include "sys/tool.hpp"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <charconv>

namespace pausa::net {
namespace {

constexpr int nft_patience_seconds = 10;

std::string masquerade(const char* family, const Subnet& range) {
  const std::string text = to_text(range);
  return std::string("    ") + family + " saddr " + text + " " + family + " daddr != " + text +
         " masquerade\n";
}

// What nft(8) has against it; empty: it is done.
std::string refusal_of(const std::string& script) {
  const std::string program = sys::find_tool("nft");
  if (program.empty()) {
    sys::Error error("nft is not installed");
    error.advise("install it (package nftables)");
    throw error;
  }
  const sys::UniqueFd file(sys::check(::memfd_create("pausa-nft", MFD_CLOEXEC), "make a file"));
  sys::check(::write(file.get(), script.data(), script.size()), "write rules for nft");
  sys::check(::lseek(file.get(), 0, SEEK_SET), "write rules for nft");
  sys::ToolRequest request;
  request.program = program;
  request.arguments = {"nft", "-f", "-"};
  request.descriptors = {{file.get(), 0}};
  sys::Tool::Result result;
  try {
    // It is run with locks held, and answers within milliseconds.
    result = sys::Tool(request).wait(nft_patience_seconds);
  } catch (const sys::Stalled&) {
    throw sys::Error("nft has said and done nothing for " + std::to_string(nft_patience_seconds) +
                     " s, and was ended");
  }
  if (result.code == 0) return {};
  return "nft refuses our rules: " + result.errors.substr(0, result.errors.find('\n'));
}

}  // namespace

void run_nft(const std::string& script) {
  if (const auto refusal = refusal_of(script); !refusal.empty()) throw sys::Error(refusal);
}

std::string listed(const std::vector<std::string>& elements) {
  std::string text;
  for (const auto& element : elements) text += (text.empty() ? "" : ", ") + element;
  return text;
}

std::string table_of(const std::string& bridge) {
  return "pausa-" + bridge;
}

namespace {

// Published ports that the kernel forwards. What others send to 127.0.0.1 by their own frames comes
// here before the kernel drops it, and a port of the host's loopback is for the host. What a pod
// sends to one takes the way over the host's socket: its answer would come back over the bridge
// with an address that the pod did not ask.
std::string port_maps(const std::string& in) {
  std::string text;
  for (const char* family : {"4", "6"}) {
    const std::string address = std::string("ipv") + family + "_addr";
    const std::string value = address + " . inet_service; }\n";
    text += "  map any" + std::string(family) + " { type inet_proto . inet_service : " + value;
    text += "  map one" + std::string(family) + " { type inet_proto . " + address +
            " . inet_service : " + value;
  }
  return text +
         "  chain published {\n"
         "    dnat ip to meta l4proto . ip daddr . th dport map @one4\n"
         "    meta nfproto ipv4 fib daddr type local dnat ip to meta l4proto . th dport map @any4\n"
         "    ip6 daddr ::1 return\n"
         "    dnat ip6 to meta l4proto . ip6 daddr . th dport map @one6\n"
         "    meta nfproto ipv6 fib daddr type local dnat ip6 to meta l4proto . th dport map "
         "@any6\n"
         "  }\n"
         "  chain from_others {\n"
         "    type nat hook prerouting priority dstnat; policy accept;\n"
         "    meta l4proto { tcp, udp } " +
         in +
         " accept\n"
         "    ip daddr 127.0.0.0/8 accept\n"
         "    meta l4proto { tcp, udp } jump published\n"
         "  }\n"
         "  chain from_host {\n"
         "    type nat hook output priority -100; policy accept;\n"
         "    oifname \"lo\" meta l4proto { tcp, udp } jump published\n"
         "  }\n";
}

// Nothing comes from the bridge but what bears a pod's address (of IPv6 every process may send from
// any, IPV6_FREEBIND, and the kernel takes no offence): what came as the host would pass its
// firewall, and what came as a pod of another network would open the way there for the answers.
// Nor does anything for the host's loopback (CVE-2020-8558): route_localnet is on for the bridge,
// so that 127.0.0.1 leads to published ports, whose answers have another address here still. Before
// conntrack, which would remember it. Pods are no routers.
std::string guard(const std::string& bridge, const Pool& pool) {
  const auto pods = [](const std::string& family, const std::string& range,
                       const std::string& own) {
    const std::string from = family + " saddr ";
    return "    " + from + range + " " + from + "!= " + own + " accept\n";
  };
  std::string text =
      "  chain guard {\n"
      "    type filter hook prerouting priority raw; policy accept;\n"
      "    iifname != \"" +
      bridge +
      "\" accept\n"
      "    ip daddr 127.0.0.0/8 drop\n";
  text += pods("ip", to_text(pool.v4), to_text(pool.v4_of(Pool::bridge_number)));
  if (pool.v6) {
    text += pods("ip6", to_text(*pool.v6), to_text(*pool.v6_of(Pool::bridge_number)));
    text += "    icmpv6 type { nd-router-advert, nd-redirect } drop\n";
    text += pods("ip6", "{ ::, fe80::/10 }", "fe80::1");
  }
  return text + "    drop\n  }\n";
}

}  // namespace

// Established traffic, what a port was published for, and the pods among themselves get in; what
// else comes over the host to a pod does not, though the host forwards.
std::string ruleset(const std::string& bridge, const Pool& pool, bool internal) {
  const std::string in = "iifname \"" + bridge + "\"";
  const std::string out = "oifname \"" + bridge + "\"";
  const std::string table = "table inet " + table_of(bridge);
  std::string text = table + " {\n" + guard(bridge, pool) + port_maps(in) +
                     "  chain forward {\n"
                     "    type filter hook forward priority filter; policy accept;\n"
                     "    " +
                     (internal ? in + " ct state established,related accept\n    " + in +
                                     " oifname != \"" + bridge + "\" drop\n    "
                               : "") +
                     in + " accept\n    " + out + " ct state established,related accept\n    " +
                     out + " ct status dnat accept\n    " + out +
                     " drop\n"
                     "  }\n"
                     "  chain leave {\n"
                     "    type nat hook postrouting priority srcnat; policy accept;\n"
                     "    " +
                     out + " ip saddr 127.0.0.0/8 masquerade\n";
  text += masquerade("ip", pool.v4);
  if (pool.v6) text += masquerade("ip6", *pool.v6);
  return text + "  }\n}\n";
}

namespace {

// An errno, or 0. hear: for the answer.
int ask_about(int what, int family, const std::string& table, const std::string& chain,
              const std::function<void(nlmsghdr*)>& hear) {
  try {
    Netlink netlink(NETLINK_NETFILTER);
    Message question(NFNL_SUBSYS_NFTABLES << 8 | what, 0);
    question.header(nfgenmsg{static_cast<std::uint8_t>(family), NFNETLINK_V0, 0});
    question.put(NFTA_TABLE_NAME, table);  // NFTA_CHAIN_TABLE is the same number
    if (!chain.empty()) question.put(NFTA_CHAIN_NAME, chain);
    return netlink.ask(question, hear);
  } catch (const sys::Error&) {
    return EOPNOTSUPP;  // a kernel that has not loaded nf_tables: nft(8) has it loaded
  }
}

}  // namespace

bool has_table(const std::string& table, int family) {
  return ask_about(NFT_MSG_GETTABLE, family, table, "", nullptr) == 0;
}

std::string mark_of(const std::string& rules) {
  std::array<char, 16> digits{};
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), sys::wide_hash(rules), 16);
  return "made_" + std::string(digits.data(), end.ptr);
}

std::string mark_rules(const std::string& table, const std::string& mark) {
  return "add chain " + table + " " + mark + "\nadd rule " + table + " " + mark + " return\n";
}

bool has_mark(const std::string& table, int family, const std::string& mark) {
  bool whole = false;
  (void)ask_about(NFT_MSG_GETCHAIN, family, table, mark, [&whole](nlmsghdr* header) {
    const nlattr* const uses = ::nlmsg_find_attr(header, sizeof(nfgenmsg), NFTA_CHAIN_USE);
    whole = uses != nullptr && ::nla_get_u32(uses) != 0;
  });
  return whole;
}

bool has_rules(const std::string& bridge, const Pool& pool, bool internal) {
  return has_mark(table_of(bridge), NFPROTO_INET, mark_of(ruleset(bridge, pool, internal)));
}

// The maps of an earlier table stay as they are, so that no published port misses a packet. Where
// its chains cannot become ours (they hook elsewhere), it goes as a whole.
void make_rules(const std::string& bridge, const Pool& pool, bool internal) {
  const std::string table = "table inet " + table_of(bridge);
  const std::string there = table + " {}\n";
  const std::string rules = ruleset(bridge, pool, internal);
  const std::string made = rules + mark_rules("inet " + table_of(bridge), mark_of(rules));
  if (!refusal_of(there + "flush " + table + "\n" + made).empty())
    run_nft(there + "delete " + table + "\n" + made);
}

void remove_rules(const std::string& bridge) {
  if (has_table(table_of(bridge), NFPROTO_INET))
    run_nft("delete table inet " + table_of(bridge) + "\n");
}

}  // namespace pausa::net
