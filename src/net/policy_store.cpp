#include "net/nat.hpp"
#include "net/policy.hpp"
#include "sys/error.hpp"
#include "sys/file_lock.hpp"
#include "sys/hash.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <linux/netfilter.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string_view>

namespace pausa::net {
namespace {

constexpr const char* system_folder = "/run/pausa/network";
constexpr std::uint16_t last_port = 65535;

std::string_view next_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const auto word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

std::uint16_t number(std::string_view word) {
  std::uint16_t value = 0;
  (void)std::from_chars(word.data(), word.data() + word.size(), value);
  return value;
}

bool in_range(std::string_view word, const Address& client) {
  const auto range = parse_subnet(std::string(word));
  return range && range->contains(client);
}

// "tcp 80 90 10.0.0.0/8 !10.1.0.0/16"
bool line_admits(std::string_view line, bool udp, std::uint16_t port, const Address& client) {
  const auto protocol = next_word(line);
  if (protocol != "any" && protocol != (udp ? "udp" : "tcp")) return false;
  const auto first = number(next_word(line));
  const auto last = number(next_word(line));
  if (port < first || port > last) return false;
  const auto who = next_word(line);
  if (who == "any") return true;
  if (!in_range(who, client)) return false;
  while (!line.empty())
    if (const auto except = next_word(line);
        except.starts_with('!') && in_range(except.substr(1), client))
      return false;
  return true;
}

}  // namespace

std::vector<PolicyBridge> policy_bridges(const std::string& folder) {
  std::vector<PolicyBridge> bridges;
  for (const auto& name : known_bridges(folder)) {
    const BridgeConfig config{name, folder, std::nullopt};
    if (const auto pool = remembered_pool(config))
      bridges.push_back({name, *pool, bridge_hardware(config)});
  }
  return bridges;
}

std::string policies_folder(const std::string& folder) {
  return folder + "/policies";
}

std::string policies_table(const std::string& folder) {
  if (folder == system_folder) return "pausa-policies";
  return "pausa-policies-" + std::to_string(sys::stable_hash(folder));
}

PoliciesLock::PoliciesLock(const std::string& folder)
    : file_(sys::lock_in_folder(policies_folder(folder), "lock", "lock the NetworkPolicies")) {}

void apply_policies(const std::string& folder, const std::string& rules) {
  const auto table = policies_table(folder);
  const auto mark = mark_of(rules);
  if (has_mark(table, NFPROTO_INET, mark) && has_mark(table, NFPROTO_BRIDGE, mark)) return;
  const auto bridges = policy_bridges(folder);
  try {
    // A guarded pod's neighbours are reached over the host, whether it has a way out or not.
    if (std::any_of(bridges.begin(), bridges.end(), [](const auto& it) { return it.pool.v6; }))
      forward_packets(true);
    run_nft(rules + mark_rules("inet " + table, mark) + mark_rules("bridge " + table, mark));
  } catch (sys::Error& error) {
    error.prepend("make the rules of NetworkPolicies");
    throw;
  }
}

void remove_policies(const std::string& folder) {
  const auto table = policies_table(folder);
  std::string rules;
  if (has_table(table, NFPROTO_BRIDGE)) rules += "delete table bridge " + table + "\n";
  if (has_table(table, NFPROTO_INET)) rules += "delete table inet " + table + "\n";
  if (!rules.empty()) run_nft(rules);
}

std::string gate_path(const std::string& folder, const std::string& uid) {
  return policies_folder(folder) + "/gates/" + uid;
}

std::string gate_text(const std::vector<PolicyAllow>& allows) {
  std::string text;
  for (const auto& allow : allows) {
    std::vector<std::string> ports, peers;
    if (allow.every_port) ports.push_back("any 0 " + std::to_string(last_port));
    for (const auto& range : allow.ports)
      ports.push_back(std::string(range.udp ? "udp " : "tcp ") + std::to_string(range.first) + " " +
                      std::to_string(range.last));
    if (allow.everybody) peers.emplace_back("any");
    for (const auto& peer : allow.peers)
      peers.push_back(peer + (peer.find(':') == std::string::npos ? "/32" : "/128"));
    for (const auto& block : allow.blocks) {
      auto& peer = peers.emplace_back(block.range);
      for (const auto& except : block.except) peer += " !" + except;
    }
    for (const auto& port : ports)
      for (const auto& peer : peers) text.append(port).append(" ").append(peer).append("\n");
  }
  return text;
}

bool gate_admits(const std::string& text, bool udp, std::uint16_t port, const Address& client) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    if (line_admits(rest.substr(0, end), udp, port, client)) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

}  // namespace pausa::net
