#include "net/nat.hpp"

#include "net/netlink.hpp"
#include "sys/error.hpp"
#include "sys/tool.hpp"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/mman.h>
#include <unistd.h>

namespace pausa::net {
namespace {

std::string masquerade(const char* family, const Subnet& range) {
  const std::string text = to_text(range);
  return std::string("    ") + family + " saddr " + text + " " + family + " daddr != " + text +
         " masquerade\n";
}

void run_nft(const std::string& script) {
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
  const auto result = sys::Tool(request).wait();
  if (result.code != 0)
    throw sys::Error("nft refuses our rules: " + result.errors.substr(0, result.errors.find('\n')));
}

}  // namespace

std::string table_of(const std::string& bridge) {
  return "pausa-" + bridge;
}

// Established traffic, what a port was published for, and the pods among themselves get in; what
// else comes over the host to a pod does not, though the host forwards. Nothing from a bridge may
// reach what listens on the host's loopback, whatever route_localnet says (CVE-2020-8558).
std::string ruleset(const std::string& bridge, const Pool& pool) {
  const std::string in = "iifname \"" + bridge + "\"";
  const std::string out = "oifname \"" + bridge + "\"";
  const std::string table = "table inet " + table_of(bridge);
  std::string text = table + " {}\ndelete " + table + "\n" + table +
                     " {\n"
                     "  chain input {\n"
                     "    type filter hook input priority filter; policy accept;\n"
                     "    " +
                     in +
                     " ip daddr 127.0.0.0/8 drop\n"
                     "  }\n"
                     "  chain forward {\n"
                     "    type filter hook forward priority filter; policy accept;\n"
                     "    " +
                     in +
                     " accept\n"
                     "    " +
                     out +
                     " ct state established,related accept\n"
                     "    " +
                     out +
                     " ct status dnat accept\n"
                     "    " +
                     out +
                     " drop\n"
                     "  }\n"
                     "  chain leave {\n"
                     "    type nat hook postrouting priority srcnat; policy accept;\n";
  text += masquerade("ip", pool.v4);
  if (pool.v6) text += masquerade("ip6", *pool.v6);
  return text + "  }\n}\n";
}

bool has_rules(const std::string& bridge) {
  try {
    Netlink netlink(NETLINK_NETFILTER);
    Message question(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, 0);
    question.header(nfgenmsg{NFPROTO_INET, NFNETLINK_V0, 0});
    question.put(NFTA_TABLE_NAME, table_of(bridge));
    return netlink.ask(question) == 0;
  } catch (const sys::Error&) {
    return false;  // a kernel that has not loaded nf_tables: nft(8) has it loaded
  }
}

void make_rules(const std::string& bridge, const Pool& pool) {
  run_nft(ruleset(bridge, pool));
}

void remove_rules(const std::string& bridge) {
  if (has_rules(bridge)) run_nft("delete table inet " + table_of(bridge) + "\n");
}

}  // namespace pausa::net
