#include "supervisor/networks.hpp"

#include "net/probe.hpp"
#include "supervisor/in_network.hpp"
#include "sys/error.hpp"
#include "sys/hash.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

namespace pausa::supervisor {
namespace {

constexpr std::size_t wish_limit = 1024;
constexpr std::size_t longest_name = 63;
constexpr std::size_t longest_interface_name = 15;
constexpr const char* prefix = "pausa-";
constexpr const char* words_file = "network";

std::string wishes(const state::Paths& paths) {
  return paths.root + "/networks";
}

// "pausa-NAME" where the kernel takes it, else with a mark of the name in its place.
std::string bridge_name(const std::string& name) {
  if (name.size() + std::string(prefix).size() <= longest_interface_name) return prefix + name;
  constexpr const char* digits = "0123456789abcdef";
  std::string text = prefix;
  for (auto hash = sys::stable_hash(name); text.size() < longest_interface_name; hash >>= 4U)
    text += digits[hash & 15U];
  return text;
}

// Of `none`, `pasta` and `host` a name that no network has.
std::string bridge_of_words(const state::Paths& paths, const std::string& words) {
  return words == default_network || words == "bridge" ? bridge_config(paths).name
                                                       : bridge_name(words);
}

net::BridgeConfig config_of(const state::Paths& paths, const std::string& bridge) {
  return {bridge, paths.network(), std::nullopt, true};
}

// Of one line: "subnet 10.90.0.0/24 ipv6 none internal".
std::string to_text(const net::BridgeWish& wish) {
  std::string text;
  if (wish.v4) text += "subnet " + net::to_text(*wish.v4) + " ";
  if (wish.v6) text += "ipv6 " + net::to_text(*wish.v6) + " ";
  if (wish.no_v6) text += "ipv6 none ";
  if (wish.internal) text += "internal ";
  return text + "\n";
}

net::BridgeWish parse_wish(const std::string& text) {
  net::BridgeWish wish;
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of(" \n", at), text.size());
    if (end > at) words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "internal") wish.internal = true;
    if (i + 1 == words.size()) break;
    if (words[i] == "subnet") wish.v4 = net::parse_subnet(words[i + 1]);
    if (words[i] == "ipv6") wish.v6 = net::parse_subnet(words[i + 1]);
    if (words[i] == "ipv6" && words[i + 1] == "none") wish.no_v6 = true;
  }
  return wish;
}

std::optional<net::BridgeWish> read_wish(const state::Paths& paths, const std::string& name) {
  const auto text = sys::read_file_at(AT_FDCWD, wishes(paths) + "/" + name, wish_limit);
  return text ? std::optional(parse_wish(*text)) : std::nullopt;
}

NamedNetwork network_on(const state::Paths& paths, const std::string& name,
                        const std::string& bridge) {
  const auto config = config_of(paths, bridge);
  return {name, bridge, net::remembered_pool(config), net::is_internal(config)};
}

}  // namespace

std::string network_name_fault(const std::string& name) {
  constexpr const char* allowed = "abcdefghijklmnopqrstuvwxyz0123456789-";
  for (const char* word : {"none", "bridge", "pasta", "host"})
    if (name == word) return "\"" + name + "\" is a way to be on a network, not the name of one";
  if (name.empty() || name.size() > longest_name ||
      name.find_first_not_of(allowed) != std::string::npos || name.front() == '-' ||
      name.back() == '-')
    return "\"" + name + "\" is no name for a network: small letters, digits and -, at most 63";
  return {};
}

std::vector<NamedNetwork> list_networks(const state::Paths& paths) {
  std::vector<NamedNetwork> networks{network_on(paths, default_network, bridge_config(paths).name)};
  const auto folder = sys::try_open_at(AT_FDCWD, wishes(paths), O_RDONLY | O_DIRECTORY);
  if (!folder) return networks;
  auto names = sys::list_dir(folder.get());
  std::sort(names.begin(), names.end());
  for (const auto& name : names)
    if (!name.starts_with('.'))
      if (auto network = find_network(paths, name)) networks.push_back(std::move(*network));
  return networks;
}

std::optional<NamedNetwork> find_network(const state::Paths& paths, const std::string& name) {
  if (name == default_network) return network_on(paths, name, bridge_config(paths).name);
  if (!network_name_fault(name).empty()) return std::nullopt;
  const auto wish = read_wish(paths, name);
  if (!wish) return std::nullopt;
  auto network = network_on(paths, name, bridge_name(name));
  network.internal = wish->internal;
  return network;
}

NamedNetwork create_network(const state::Paths& paths, const std::string& name,
                            const net::BridgeWish& wish) {
  if (auto fault = network_name_fault(name); !fault.empty()) throw sys::Error(fault);
  const auto bridge = bridge_name(name);
  // A user's bridge is in a network of its own, which has IPv6 whatever the machine has.
  if (wish.v6 && ::geteuid() == 0 && !net::has_ipv6()) {
    sys::Error error("network " + name + ": IPv6 is off on this machine");
    error.advise("leave --ipv6 out, or turn it on: sysctl -w net.ipv6.conf.default.disable_ipv6=0");
    throw error;
  }
  const net::BridgeLock lock(paths.network());
  if (name == default_network || read_wish(paths, name))
    throw sys::Error("there is a network " + name + " already");
  // First: what is remembered of a bridge without a wish would be nobody's.
  const auto folder = sys::make_dirs_at(AT_FDCWD, wishes(paths), 0700);
  sys::replace_file_at(folder.get(), name, to_text(wish), 0600);
  try {
    (void)net::prepare_bridge(config_of(paths, bridge), wish);
  } catch (const sys::Error&) {
    (void)::unlinkat(folder.get(), name.c_str(), 0);
    throw;
  }
  return network_on(paths, name, bridge);
}

void remove_network(const state::Store& store, const NamedNetwork& network) {
  const auto& paths = store.paths();
  const net::BridgeLock lock(paths.network());
  if (const auto pods = pods_on(store, network.bridge); !pods.empty()) {
    std::string words;
    for (const auto& pod : pods)
      words += (words.empty() ? "" : ", ") + pod.namespace_ + "/" + pod.name;
    sys::Error error("the network " + network.name + " has pods: " + words);
    error.advise("remove them first (pausa down)");
    throw error;
  }
  const auto config = config_of(paths, network.bridge);
  in_network(store, nullptr, "remove the network", [&] { net::remove_bridge_locked(config); });
  // Without root there may be nobody left who has it.
  if (::access(config.own().c_str(), F_OK) == 0) sys::remove_tree_at(AT_FDCWD, config.own());
  if (network.name != default_network &&
      ::unlink((wishes(paths) + "/" + network.name).c_str()) < 0 && errno != ENOENT)
    throw sys::Error(errno, "remove the network " + network.name);
}

std::vector<state::PodKey> pods_on(const state::Store& store, const std::string& bridge) {
  std::vector<state::PodKey> pods;
  // These first: one that is started meanwhile is found by its record.
  for (auto& key : store.list_without_record()) {
    const auto words = read_network_words(store, key);
    if (!words.empty() && bridge_of_words(store.paths(), words) == bridge)
      pods.push_back(std::move(key));
  }
  for (auto& record : store.list())
    if (record.network.mode != state::NetworkRecord::Mode::loopback &&
        record.network.bridge == bridge &&
        std::find(pods.begin(), pods.end(), record.key) == pods.end())
      pods.push_back(std::move(record.key));
  return pods;
}

std::string read_network_words(const state::Store& store, const state::PodKey& key) {
  return sys::read_file_at(AT_FDCWD, store.paths().data_dir(key) + "/" + words_file, wish_limit)
      .value_or("");
}

void keep_network_words(const state::Store& store, const state::PodKey& key,
                        const std::string& words) {
  if (words == read_network_words(store, key)) return;
  const sys::UniqueFd folder = sys::make_dirs_at(AT_FDCWD, store.paths().data_dir(key), 0700);
  if (!words.empty())
    sys::replace_file_at(folder.get(), words_file, words, 0600);
  else if (::unlinkat(folder.get(), words_file, 0) < 0 && errno != ENOENT)
    throw sys::Error(errno, "forget the network of pod " + key.name);
}

std::string choose_named_network(const state::Store& store, const pod::Spec& spec,
                                 const std::string& name, state::Record& record,
                                 UserNetwork& user) {
  const auto& paths = store.paths();
  if (name == default_network)
    return choose_network(store, spec, NetworkChoice::bridge, record, user);
  const auto wish = read_wish(paths, name);
  if (!wish) {
    sys::Error error("there is no network " + name);
    error.advise("pausa network create " + name);
    throw error;
  }
  record.network = {};
  if (spec.host_network) return {};
  const auto config = config_of(paths, bridge_name(name));
  // After a reboot nothing is known of its bridge.
  if (!net::remembered_pool(config)) {
    const net::BridgeLock lock(paths.network());
    if (const auto still = read_wish(paths, name)) (void)net::prepare_bridge(config, *still);
  }
  record.network.bridge = config.name;
  std::string note;
  if (::geteuid() == 0) {
    note = net::ensure_bridge(config).note;
    record.network.mode = state::NetworkRecord::Mode::bridge;
  } else {
    if (const auto why = why_no_user_network(); !why.empty()) throw sys::Error(why);
    record.network.mode = state::NetworkRecord::Mode::user;
    user = join_again(store, record, note);
    const auto lack = in_network(store, &user, "make the network",
                                 [&] { return net::ensure_bridge(config).note; });
    if (note.empty()) note = lack;
  }
  record.network.veth = net::veth_name(record.uid);
  return note;
}

}  // namespace pausa::supervisor
