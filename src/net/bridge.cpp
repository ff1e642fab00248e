#include "net/bridge.hpp"

#include "net/links.hpp"
#include "net/named_bridge.hpp"
#include "net/nat.hpp"
#include "net/policy.hpp"
#include "net/probe.hpp"
#include "net/routes.hpp"
#include "net/service_range.hpp"
#include "sys/error.hpp"
#include "sys/file_lock.hpp"
#include "sys/hash.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <unistd.h>

#include <algorithm>

namespace pausa::net {
namespace {

constexpr std::size_t text_limit = 4096;
// What is sent on goes by a route with the uplink's MTU (attach.cpp). Between pods and this machine
// streams in writes of 16 to 32 KiB are 1.1 to 5 times faster than with 1500, most of all where the
// sender is paced (BBR); only writes of 128 KiB and more that are sent at once are not. Other
// sizes up to 65520 are better for some writes and worse for others (docs/performance.md).
constexpr unsigned bridge_mtu = 57000;
constexpr unsigned v6_prefix = 64;
constexpr const char* range_file = "range";
constexpr const char* internal_file = "internal";

std::string read_sysctl(const std::string& path) {
  auto text = sys::read_file_at(AT_FDCWD, "/proc/sys/net/" + path, text_limit).value_or("");
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

void write_sysctl(const std::string& path, const char* value) {
  if (read_sysctl(path) != value) sys::write_file_at(AT_FDCWD, "/proc/sys/net/" + path, value);
}

std::vector<Subnet> taken_ranges(Netlink& netlink, const BridgeConfig& config) {
  auto taken = routed_ranges(netlink, 0);
  for (const auto& name : known_bridges(config.folder)) {
    if (name == config.name) continue;
    if (const auto other = remembered_pool({name, config.folder, std::nullopt})) {
      taken.push_back(other->v4);  // it may have lost its interface
      if (other->v6) taken.push_back(*other->v6);
    }
  }
  if (const auto services = known_service_range(config.folder)) {
    taken.push_back(services->v4);
    if (services->v6) taken.push_back(*services->v6);
  }
  return taken;
}

Subnet free_range(Netlink& netlink, const BridgeConfig& config) {
  const auto taken = taken_ranges(netlink, config);
  if (config.range) {
    for (const auto& other : taken)
      if (other.overlaps(*config.range)) {
        sys::Error error("the range " + to_text(*config.range) +
                         " for pods overlaps one that is in use, " + to_text(other));
        error.advise("choose another one (PAUSA_SUBNET)");
        throw error;
      }
    return *config.range;
  }
  if (const auto range = choose_range(taken)) return *range;
  sys::Error error("this machine's routes overlap all ranges that pausa knows for pods");
  error.advise("give one that is free: PAUSA_SUBNET=10.123.0.0/16");
  throw error;
}

Pool choose_pool(Netlink& netlink, const BridgeConfig& config) {
  if (config.named) throw sys::Error("the network of the bridge " + config.name + " was removed");
  Pool pool;
  pool.v4 = free_range(netlink, config);
  if (has_ipv6()) pool.v6 = random_v6_range(v6_prefix);
  return pool;
}

// The table of an earlier range goes first: its maps lead to addresses that are nobody's any more.
void remember(const BridgeConfig& config, const Pool& pool) {
  remove_rules(config.name);
  const auto own = sys::make_dirs_at(AT_FDCWD, config.own(), 0700);
  sys::replace_file_at(own.get(), range_file, to_text(pool) + "\n", 0600);
}

// Those whose bridge was taken away from under them. Gives the smallest MTU of all pods'
// interfaces, at most the bridge's: larger packets would be lost on their way to it.
unsigned put_pods_back(Netlink& netlink, const BridgeConfig& config, const Link& bridge) {
  unsigned mtu = bridge.mtu;
  const auto leases = sys::try_open_at(AT_FDCWD, config.leases(), O_RDONLY | O_DIRECTORY);
  if (!leases) return mtu;
  for (const auto& name : sys::list_dir(leases.get())) {
    if (name.starts_with('.')) continue;
    const auto owner = sys::read_file_at(leases.get(), name, text_limit).value_or("");
    const auto link = find_link(netlink, veth_name(owner.substr(0, owner.find(' '))));
    if (!link) continue;
    mtu = std::min(mtu, link->mtu);
    if (link->master == bridge.index) continue;
    Message message(RTM_NEWLINK, 0);
    ifinfomsg info{};
    info.ifi_index = link->index;
    message.header(info);
    message.put(IFLA_MASTER, static_cast<std::uint32_t>(bridge.index));
    (void)netlink.ask(message);  // a pod that ends meanwhile
  }
  return mtu;
}

void require_ours(const Link& link, const BridgeConfig& config) {
  if (link.kind == "bridge" && link.hardware == bridge_hardware(config)) return;
  sys::Error error("the network interface " + config.name +
                   " is there already, and not made by this pausa");
  const std::string remove =
      link.kind == "bridge" ? "remove it (ip link delete " + config.name + "), or " : "";
  error.advise(remove + "use another name" + (config.named ? "" : " (PAUSA_BRIDGE)"));
  throw error;
}

void make_ours(Netlink& netlink, const BridgeConfig& config, const Pool& pool) {
  if (!knows_veth(netlink)) {  // no pod could come onto it
    sys::Error error("this kernel has no pairs of network interfaces");
    error.advise("load the module: modprobe veth");
    throw error;
  }
  const auto mark = bridge_hardware(config);
  const int failed = make_bridge(netlink, config.name, mark);
  if (failed != 0 && failed != EEXIST) {
    sys::Error error(failed, "make the bridge " + config.name);
    if (failed == EOPNOTSUPP) error.advise("this kernel has none: modprobe bridge");
    if (failed == EPERM) error.advise("this needs CAP_NET_ADMIN");
    throw error;
  }
  auto link = find_link(netlink, config.name);
  if (!link) throw sys::Error("the bridge " + config.name + " was removed as it was made");
  require_ours(*link, config);
  if (failed == 0) {
    // Not when it is made: only what was set later outlives the last pod (br_mtu_auto_adjust()).
    set_mtu(netlink, *link, bridge_mtu);
    link->mtu = bridge_mtu;
  }
  // Whatever the pods advertise (CVE-2020-13401), without addresses of IPv6, too.
  if (has_ipv6()) write_sysctl("ipv6/conf/" + config.name + "/accept_ra", "0");
  add_address(netlink, *link, pool.v4, pool.v4_of(Pool::bridge_number));
  if (pool.v6) {
    add_address(netlink, *link, *pool.v6, *pool.v6_of(Pool::bridge_number));
    // Who forwards to a neighbour asks for it from a link-local address, or not at all (ndisc.c).
    add_address(netlink, *link, *parse_subnet("fe80::/64"), *parse_address("fe80::1"));
  }
  if (const auto mtu = put_pods_back(netlink, config, *link); mtu < link->mtu)
    set_mtu(netlink, *link, mtu);
  // What policies judge between neighbours is routed, too.
  forward_packets(pool.v6 && (find_uplink(netlink, true) ||
                              ::access(policies_folder(config.folder).c_str(), F_OK) == 0));
  // Last: who finds it up takes it for whole.
  bring_up(netlink, *link);
}

}  // namespace

// Pods that leave the machine need it to forward. IPv6 routers ignore the advertisements by which
// the machine itself may have got its address, unless told otherwise (accept_ra 2). Not those that
// are made later: most are bridges, and what is on them is not to be asked for ways.
void forward_packets(bool v6) {
  write_sysctl("ipv4/ip_forward", "1");
  if (!v6 || read_sysctl("ipv6/conf/all/forwarding") != "0") return;
  const sys::UniqueFd interfaces = sys::open_dir("/proc/sys/net/ipv6/conf");
  for (const auto& name : sys::list_dir(interfaces.get()))
    if (name != "all" && name != "default" &&
        read_sysctl("ipv6/conf/" + name + "/accept_ra") == "1")
      write_sysctl("ipv6/conf/" + name + "/accept_ra", "2");
  write_sysctl("ipv6/conf/all/forwarding", "1");
}

// The bridge is known by its hardware address, which it is born with: made of its folder's name,
// so that neither somebody else's bridge nor that of another run folder is taken for ours.
HardwareAddress bridge_hardware(const BridgeConfig& config) {
  const auto hash = sys::stable_hash(config.own());
  const auto byte = [hash](unsigned shift) { return static_cast<std::uint8_t>(hash >> shift); };
  return {0x02, 0x71, byte(24), byte(16), byte(8), byte(0)};
}

std::vector<std::string> known_bridges(const std::string& folder) {
  const auto bridges = sys::try_open_at(AT_FDCWD, folder + "/bridges", O_RDONLY | O_DIRECTORY);
  return bridges ? sys::list_dir(bridges.get()) : std::vector<std::string>();
}

std::optional<Pool> remembered_pool(const BridgeConfig& config) {
  const std::string path = config.own() + "/" + range_file;
  const auto text = sys::read_file_at(AT_FDCWD, path, text_limit);
  if (!text) return std::nullopt;
  std::string words = *text;
  while (!words.empty() && words.back() == '\n') words.pop_back();
  const auto pool = parse_pool(words);
  if (!pool) throw sys::Error(path + " is damaged");
  return pool;
}

Bridge ensure_bridge(const BridgeConfig& config) {
  Netlink netlink(NETLINK_ROUTE);
  std::optional<Pool> pool;
  const auto is_whole = [&] {
    const auto link = find_link(netlink, config.name);
    if (link) require_ours(*link, config);
    pool = remembered_pool(config);
    return link && link->up && pool;
  };
  // So that the host's own 127.0.0.1 leads to published ports; the rules keep the pods from it, and
  // without them it is off.
  const std::string localnet = "ipv4/conf/" + config.name + "/route_localnet";
  const auto has_own_rules = [&] { return has_rules(config.name, *pool, is_internal(config)); };
  if (is_whole() && has_own_rules() && read_sysctl(localnet) == "1") return {*pool, ""};

  const BridgeLock lock(config.folder);
  const bool whole = is_whole();  // by now
  if (!pool) {
    pool = choose_pool(netlink, config);
    remember(config, *pool);
  }
  Bridge bridge{*pool, ""};
  // Before the bridge: nothing is to come over it without them.
  try {
    if (!has_own_rules()) make_rules(config.name, *pool, is_internal(config));
  } catch (sys::Error& error) {
    if (is_internal(config)) {
      if (whole) write_sysctl(localnet, "0");
      error.prepend("keep the network to itself");
      throw;
    }
    bridge.note = std::string("pods reach nothing beyond this machine: ") + error.what();
  }
  if (!whole) make_ours(netlink, config, *pool);
  if (!bridge.note.empty()) {
    write_sysctl(localnet, "0");
    return bridge;
  }
  try {
    write_sysctl(localnet, "1");
  } catch (const sys::Error& error) {
    bridge.note = std::string("published ports are not reached at 127.0.0.1: ") + error.what();
  }
  return bridge;
}

std::string bridge_fault(const BridgeConfig& config) {
  try {
    Netlink netlink(NETLINK_ROUTE);
    const auto link = find_link(netlink, config.name);
    if (link) require_ours(*link, config);
    const auto pool = remembered_pool(config);
    if (!pool) {
      if (!config.named) (void)free_range(netlink, config);
      return {};
    }
    for (const auto& other : routed_ranges(netlink, link ? link->index : 0))
      if (other.overlaps(pool->v4) || (pool->v6 && other.overlaps(*pool->v6)))
        return "a route of this machine leads to " + to_text(other) +
               ", which overlaps its range " + to_text(other.base.v6 ? *pool->v6 : pool->v4) +
               (config.named ? "; network rm and create give it another"
                             : "; pausa reset gives it another");
  } catch (const sys::Error& error) {
    return error.what();
  }
  return {};
}

bool is_internal(const BridgeConfig& config) {
  return ::access((config.own() + "/" + internal_file).c_str(), F_OK) == 0;
}

BridgeLock::BridgeLock(const std::string& folder)
    : file_(sys::lock_in_folder(folder, "lock", "lock the network")) {}

std::string range_fault(const Subnet& range) {
  struct Special {
    const char* range;
    const char* use;
  };
  for (const auto& [text, use] :
       {Special{"0.0.0.0/8", "no address that can be reached"}, Special{"127.0.0.0/8", "loopback"},
        Special{"169.254.0.0/16", "addresses of one link"}, Special{"224.0.0.0/4", "multicast"},
        Special{"240.0.0.0/4", "no address that can be reached"}, Special{"::/8", "loopback"},
        Special{"fe80::/10", "addresses of one link"}, Special{"ff00::/8", "multicast"}})
    if (const auto special = parse_subnet(text);
        special->base.v6 == range.base.v6 && special->overlaps(range))
      return to_text(range) + " is no range for pods: " + text + " is for " + use;
  return {};
}

Pool prepare_bridge(const BridgeConfig& config, const BridgeWish& wish) {
  Netlink netlink(NETLINK_ROUTE);
  if (const auto link = find_link(netlink, config.name)) require_ours(*link, config);
  if (const auto noted = remembered_pool(config);
      noted && (!wish.v4 || noted->v4 == *wish.v4) && (!wish.v6 || noted->v6 == wish.v6) &&
      (!wish.no_v6 || !noted->v6) && wish.internal == is_internal(config))
    return *noted;
  const auto taken = taken_ranges(netlink, config);
  const auto overlapped = [&taken](const Subnet& range) -> const Subnet* {
    const auto found = std::find_if(taken.begin(), taken.end(), [&range](const Subnet& other) {
      return other.base.v6 == range.base.v6 && other.overlaps(range);
    });
    return found == taken.end() ? nullptr : &*found;
  };
  for (const auto* range : {&wish.v4, &wish.v6})
    if (const auto* other = *range ? overlapped(**range) : nullptr)
      throw sys::Error("the range " + to_text(**range) + " overlaps one that is in use, " +
                       to_text(*other));
  Pool pool;
  if (wish.v4) {
    pool.v4 = *wish.v4;
  } else {
    constexpr int last = 255;
    int third = 0;
    do pool.v4 = *parse_subnet("10.87." + std::to_string(third) + ".0/24");
    while (overlapped(pool.v4) != nullptr && ++third <= last);
    if (third > last) {
      sys::Error error("this machine's routes overlap all ranges that pausa knows for networks");
      error.advise("give one that is free: --subnet 10.123.0.0/24");
      throw error;
    }
  }
  if (wish.v6)
    pool.v6 = wish.v6;
  else if (!wish.no_v6 && has_ipv6())
    pool.v6 = random_v6_range(v6_prefix);
  const auto own = sys::make_dirs_at(AT_FDCWD, config.own(), 0700);
  if (wish.internal)
    sys::replace_file_at(own.get(), internal_file, "", 0600);
  else if (::unlinkat(own.get(), internal_file, 0) < 0 && errno != ENOENT)
    throw sys::Error(errno, "give the network a way to the world");
  remember(config, pool);
  return pool;
}

void choose_range(BridgeConfig& config) {
  Netlink netlink(NETLINK_ROUTE);
  if (!remembered_pool(config)) config.range = free_range(netlink, config);
}

void remove_bridge(const BridgeConfig& config) {
  if (::access(config.own().c_str(), F_OK) != 0) return;
  const BridgeLock lock(config.folder);
  remove_bridge_locked(config);
}

void remove_bridge_locked(const BridgeConfig& config) {
  if (::access(config.own().c_str(), F_OK) != 0) return;
  Netlink netlink(NETLINK_ROUTE);
  const auto link = find_link(netlink, config.name);
  const bool ours = link && link->kind == "bridge" && link->hardware == bridge_hardware(config);
  if (!link || ours) remove_rules(config.name);
  if (ours) delete_link(netlink, *link);
  sys::remove_tree_at(AT_FDCWD, config.own());
}

std::string veth_name(const std::string& uid) {
  std::string name = "pausa";
  for (const char c : uid)
    if (c != '-' && name.size() < 15) name += c;  // IFNAMSIZ, with its NUL
  return name;
}

}  // namespace pausa::net
