#include "supervisor/pod_network.hpp"

#include "net/conntrack.hpp"
#include "net/lease.hpp"
#include "net/name_book.hpp"
#include "net/policy.hpp"
#include "net/port_map.hpp"
#include "net/services.hpp"
#include "pod/name_files.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"
#include "sys/process.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <unistd.h>

#include <cstdlib>

namespace pausa::supervisor {
namespace {

constexpr std::size_t longest_interface_name = 15;
constexpr const char* named_prefix = "pausa-";
constexpr const char* system_run_root = "/run/pausa";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

bool is_usual(const state::Paths& paths) {
  return ::geteuid() == 0 && paths.run_root == system_run_root &&
         sys::have_capability(CAP_NET_ADMIN);
}

state::PodKey key_of(const std::string& words) {
  const auto slash = words.find('/');
  if (slash == std::string::npos) return {};
  return {words.substr(0, slash), words.substr(slash + 1)};
}

std::string name_of(const state::PodKey& key) {
  return key.name + "." + key.namespace_;
}

std::vector<net::Address> parsed_addresses(const state::NetworkRecord& network) {
  std::vector<net::Address> addresses;
  for (const auto& text : addresses_of(network))
    if (const auto address = net::parse_address(text)) addresses.push_back(*address);
  return addresses;
}

constexpr std::string_view services_domain = ".svc.cluster.local";

void take_address(const state::Store& store, const net::BridgeConfig& config,
                  state::Record& record) {
  auto& network = record.network;
  const auto pool = net::remembered_pool(config);
  if (!pool) throw sys::Error("the bridge " + config.name + " has no range");
  const auto lives = [&store](const net::LeaseOwner& owner) {
    try {
      const auto other = store.read(key_of(owner.words));
      return other && other->uid == owner.uid;
    } catch (const sys::Error&) {
      return true;  // damaged, but there
    }
  };
  network.number = net::LeaseBook(config.leases(), *pool)
                       .take({record.uid, record.key.namespace_ + "/" + record.key.name}, lives);
  network.ipv4 = net::to_text(pool->v4_of(network.number));
  if (const auto v6 = pool->v6_of(network.number)) network.ipv6 = net::to_text(*v6);
}

}  // namespace

std::optional<NetworkChoice> parse_network(const std::string& text) {
  if (text == "none") return NetworkChoice::none;
  if (text == "bridge") return NetworkChoice::bridge;
  if (text == "pasta") return NetworkChoice::pasta;
  if (text == "host") return NetworkChoice::host;
  return std::nullopt;
}

std::optional<NetworkChoice> configured_network() {
  const std::string text = environment("PAUSA_NETWORK");
  if (text.empty()) return std::nullopt;
  const auto choice = parse_network(text);
  if (!choice || *choice == NetworkChoice::host)
    throw sys::Error("PAUSA_NETWORK: \"" + text + "\" must be none, bridge or pasta");
  return choice;
}

net::BridgeConfig bridge_config(const state::Paths& paths) {
  net::BridgeConfig config;
  config.folder = paths.network();
  if (const std::string name = environment("PAUSA_BRIDGE"); !name.empty()) {
    constexpr const char* allowed =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    if (name.size() > longest_interface_name ||
        name.find_first_not_of(allowed) != std::string::npos)
      throw sys::Error("PAUSA_BRIDGE: \"" + name +
                       "\" is no name for a network interface: at most 15 letters and digits");
    if (name.starts_with("services") || name.starts_with("policies"))
      throw sys::Error("PAUSA_BRIDGE: \"" + name +
                       "\" begins as a table of ours is called; choose another name");
    config.name = name;
  }
  if (const std::string range = environment("PAUSA_SUBNET"); !range.empty()) {
    constexpr unsigned widest = 8;
    constexpr unsigned narrowest = 29;
    config.range = net::parse_subnet(range);
    if (!config.range || config.range->base.v6 || config.range->prefix < widest ||
        config.range->prefix > narrowest)
      throw sys::Error("PAUSA_SUBNET: \"" + range +
                       "\" is no range for pods; write one of IPv4 like 10.123.0.0/16");
  }
  return config;
}

net::BridgeConfig bridge_of(const state::Paths& paths, const state::NetworkRecord& network) {
  net::BridgeConfig config;
  config.name = network.bridge;
  config.folder = paths.network();
  config.named = config.name.starts_with(named_prefix);
  return config;
}

UserNetwork join_again(const state::Store& store, const state::Record& record, std::string& note) {
  if (record.network.mode != state::NetworkRecord::Mode::user) return {};
  auto config = bridge_config(store.paths());
  config.name = record.network.bridge;
  return join_user_network(store, std::move(config), note);
}

namespace {

std::string on_loopback(const sys::Error& error) {
  return std::string("no network but its own loopback: ") + error.what();
}

// Without root a bridge of one's own is the network of that user's pods, whatever it was called.
std::string choose_user_network(const state::Store& store, bool asked, state::Record& record,
                                UserNetwork& user) {
  auto& network = record.network;
  std::string note;
  auto bridge = bridge_config(store.paths()).name;
  try {
    if (const auto why = why_no_user_network(); !why.empty()) throw sys::Error(why);
    network.bridge = std::move(bridge);
    network.mode = state::NetworkRecord::Mode::user;
    user = join_again(store, record, note);
  } catch (const sys::Error& error) {
    network = {};
    if (asked) throw;
    return on_loopback(error);
  }
  network.veth = net::veth_name(record.uid);
  return note;
}

}  // namespace

std::string choose_network(const state::Store& store, const pod::Spec& spec,
                           std::optional<NetworkChoice> asked, state::Record& record,
                           UserNetwork& user) {
  const auto& paths = store.paths();
  record.network = {};
  if (spec.host_network) return {};
  if (!asked) asked = configured_network();
  if (asked == NetworkChoice::none || asked == NetworkChoice::host) return {};
  if (::geteuid() != 0) return choose_user_network(store, asked.has_value(), record, user);
  if (!asked && !is_usual(paths)) return {};
  if (asked == NetworkChoice::pasta)
    throw sys::Error("pasta is for users without root; root has the bridge");
  const auto config = bridge_config(paths);
  std::string note;
  try {
    note = net::ensure_bridge(config).note;
    record.network.bridge = config.name;
  } catch (const sys::Error& error) {
    if (asked) throw;
    return on_loopback(error);
  }
  record.network.mode = state::NetworkRecord::Mode::bridge;
  record.network.veth = net::veth_name(record.uid);
  return note;
}

void lease_address(const state::Store& store, const pod::Pod& pod, state::Record& record) {
  auto& network = record.network;
  if (network.mode == state::NetworkRecord::Mode::loopback) return;
  const auto config = bridge_of(store.paths(), network);
  if (network.number == 0) {
    take_address(store, config, record);
    try {
      withdraw_ports(record);  // of who had it before, and of whom nothing else is known
    } catch (const sys::Error& error) {
      if (error.code()) throw;  // else the kernel has no nf_tables, and so none of them
    }
  }
  std::string full = pod::full_hostname(pod);
  if (!full.empty()) full.resize(full.size() - services_domain.size());
  net::NameBook(config.folder)
      .add({record.uid, name_of(record.key), std::move(full), addresses_of(network)});
}

void release_address(const state::Paths& paths, const state::Record& record) {
  constexpr std::chrono::seconds patience(5);
  if (record.network.mode == state::NetworkRecord::Mode::loopback) return;
  const auto config = bridge_of(paths, record.network);
  const auto pool = net::remembered_pool(config);
  if (!pool) return;
  net::NameBook(config.folder).remove(record.uid, name_of(record.key));
  // While the address is still its own: who gets it next inherits nothing.
  const auto forget = [&record] { (void)net::forget_flows_of(parsed_addresses(record.network)); };
  if (record.network.mode == state::NetworkRecord::Mode::bridge) forget();
  try {
    if (record.network.mode == state::NetworkRecord::Mode::user)
      (void)in_user_network(state::Store(paths), forget, patience);
  } catch (const sys::Error&) {
    // It is ending, with all that is remembered there; or it does not answer.
  }
  const net::LeaseBook leases(config.leases(), *pool);
  if (record.network.number != 0)
    leases.release(record.network.number, record.uid);
  else
    leases.release_all_of(record.uid);  // killed before the record said which
}

void withdraw_ports(const state::Record& record) {
  if (record.network.mode != state::NetworkRecord::Mode::bridge) return;
  net::remove_all_to(record.network.bridge, parsed_addresses(record.network));
}

std::optional<net::AttachRequest> attach_request(const state::Paths& paths,
                                                 const state::Record& record,
                                                 const UserNetwork& user, pid_t pid, int pidfd) {
  if (record.network.mode == state::NetworkRecord::Mode::loopback) return std::nullopt;
  net::AttachRequest request;
  request.bridge = bridge_of(paths, record.network);
  request.number = record.network.number;
  request.veth = record.network.veth;
  request.pid = pid;
  request.pidfd = pidfd;
  request.network = user.network.get();
  return request;
}

// That of a user's pods is in nobody's reach, and where it lost its keeper join_again() helps.
void restore_network(const state::Paths& paths, const state::Record& record) {
  if (record.network.mode != state::NetworkRecord::Mode::bridge) return;
  const auto process = sys::open_process(record.infra);
  if (!process) return;
  const auto request = attach_request(paths, record, {}, record.infra.pid, process->get());
  if (!request) return;
  (void)net::ensure_bridge(request->bridge);
  if (!net::is_attached(*request)) net::Attachment(*request).finish();
}

std::vector<std::string> addresses_of(const state::NetworkRecord& network) {
  std::vector<std::string> addresses;
  for (const auto* address : {&network.ipv4, &network.ipv6})
    if (!address->empty()) addresses.push_back(*address);
  return addresses;
}

void remove_network(const state::Paths& paths) {
  if (::geteuid() != 0) end_user_network(paths);
  const std::string folder = paths.network();
  if (::access(net::services_folder(folder).c_str(), F_OK) == 0) net::remove_services(folder);
  if (::geteuid() == 0 && ::access(net::policies_folder(folder).c_str(), F_OK) == 0)
    net::remove_policies(folder);
  for (const auto& name : net::known_bridges(folder))
    net::remove_bridge({name, folder, std::nullopt});
  if (::access(folder.c_str(), F_OK) == 0) sys::remove_tree_at(AT_FDCWD, folder);
}

}  // namespace pausa::supervisor
