#include "cli/commands/commands.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/table.hpp"
#include "cli/target.hpp"
#include "supervisor/networks.hpp"
#include "sys/error.hpp"

#include <iostream>

namespace pausa::cli {
namespace {

using pod::Node;
using supervisor::NamedNetwork;

constexpr Option table[]{
    {"subnet", "CIDR", "create: its addresses of IPv4; else a range that is free"},
    {"ipv6", "CIDR", "create: its addresses of IPv6; else a random range of its own"},
    {"no-ipv6", nullptr, "create: without IPv6"},
    {"internal", nullptr, "create: without a way to the world and to other networks"},
    {"output,o", "FORMAT", "table (inspect: json), json, yaml or name"}};

std::string range_text(const NamedNetwork& network, bool v6) {
  if (!network.pool || (v6 && !network.pool->v6)) return "-";
  return net::to_text(v6 ? *network.pool->v6 : network.pool->v4);
}

Node network_node(const state::Store& store, const NamedNetwork& network) {
  Node node = Node::make_map();
  node.set("name", Node::make_string(network.name));
  node.set("interface", Node::make_string(network.bridge));
  node.set("internal", Node::make_boolean(network.internal));
  Node subnets = Node::make_list();
  const auto add = [&subnets](const std::string& range, const std::string& gateway) {
    Node subnet = Node::make_map();
    subnet.set("subnet", Node::make_string(range));
    subnet.set("gateway", Node::make_string(gateway));
    subnets.push(std::move(subnet));
  };
  if (const auto& pool = network.pool) {
    add(net::to_text(pool->v4), net::to_text(pool->v4_of(net::Pool::bridge_number)));
    if (const auto gateway = pool->v6_of(net::Pool::bridge_number))
      add(net::to_text(*pool->v6), net::to_text(*gateway));
  }
  node.set("subnets", std::move(subnets));
  Node pods = Node::make_list();
  for (const auto& key : supervisor::pods_on(store, network.bridge)) {
    Node pod = Node::make_map();
    pod.set("name", Node::make_string(key.name));
    pod.set("namespace", Node::make_string(key.namespace_));
    Node addresses = Node::make_list();
    if (const auto record = store.read(key))
      for (const auto& address : supervisor::addresses_of(record->network))
        addresses.push(Node::make_string(address));
    pod.set("addresses", std::move(addresses));
    pods.push(std::move(pod));
  }
  node.set("pods", std::move(pods));
  return node;
}

int list(const state::Store& store, Format format) {
  Table rows({"NAME", "INTERFACE", "SUBNET", "IPV6", "INTERNAL", "PODS"});
  std::vector<Node> items;
  for (const auto& network : supervisor::list_networks(store.paths())) {
    if (format == Format::name) {
      std::cout << network.name << "\n";
    } else if (format == Format::table) {
      rows.add({network.name, network.bridge, range_text(network, false), range_text(network, true),
                network.internal ? "yes" : "no",
                std::to_string(supervisor::pods_on(store, network.bridge).size())});
    } else {
      items.push_back(network_node(store, network));
    }
  }
  if (format == Format::table)
    std::cout << rows.text();
  else if (format != Format::name)
    std::cout << node_text(list_node(std::move(items)), format);
  return exit_ok;
}

std::optional<net::Subnet> range_from(const Options& options, const std::string& option, bool v6) {
  const auto text = options.get(option);
  if (!text) return std::nullopt;
  constexpr unsigned narrowest_v4 = 29;
  constexpr unsigned narrowest_v6 = 96;
  const auto range = net::parse_subnet(*text);
  if (!range || range->base.v6 != v6 || range->prefix < 8 ||
      range->prefix > (v6 ? narrowest_v6 : narrowest_v4))
    throw UsageError("--" + option + ": \"" + *text + "\" is no range for pods; write one like " +
                     (v6 ? "fd12:3456::/64" : "10.123.0.0/24"));
  if (const auto fault = net::range_fault(*range); !fault.empty())
    throw UsageError("--" + option + ": " + fault);
  return range;
}

int create(const state::Store& store, const std::string& name, const Options& options) {
  net::BridgeWish wish;
  wish.v4 = range_from(options, "subnet", false);
  wish.v6 = range_from(options, "ipv6", true);
  wish.no_v6 = options.has("no-ipv6");
  wish.internal = options.has("internal");
  if (wish.v6 && wish.no_v6) throw UsageError("network: --ipv6 and --no-ipv6 exclude each other");
  if (const auto fault = supervisor::network_name_fault(name); !fault.empty())
    throw UsageError("network: " + fault);
  std::cout << supervisor::create_network(store.paths(), name, wish).name << "\n";
  return exit_ok;
}

NamedNetwork find(const state::Store& store, const std::string& name) {
  auto network = supervisor::find_network(store.paths(), name);
  if (!network) throw NoSuchObject("no network " + name);
  return std::move(*network);
}

int remove(const state::Store& store, const Arguments& names) {
  int code = exit_ok;
  for (const auto& name : names) {
    try {
      supervisor::remove_network(store, find(store, name));
      std::cout << name << "\n";
    } catch (const sys::Error& error) {
      std::cerr << "pausa: " << error.what() << "\n";
      code = exit_failed;
    }
  }
  return code;
}

}  // namespace

std::string network_options() {
  return options_help(table);
}

int run_network(const Arguments& arguments) {
  const Options options(table, arguments);
  auto words = options.words();
  if (words.empty()) throw UsageError("network: say ls, create, inspect or rm");
  const std::string verb = words.front();
  words.erase(words.begin());
  const state::Store store(state::Paths::from_environment());
  store.prepare();
  Format format = output_format(options, {Format::table, Format::json, Format::yaml, Format::name});
  if (verb == "ls" && words.empty()) return list(store, format);
  if (verb == "create" && words.size() == 1) return create(store, words.front(), options);
  if (verb == "rm" && !words.empty()) return remove(store, words);
  if (verb != "inspect" || words.empty() || format == Format::name)
    throw UsageError("network: say ls, create NAME, inspect NAME… or rm NAME…");
  if (format == Format::table) format = Format::json;
  std::vector<Node> items;
  for (const auto& word : words) items.push_back(network_node(store, find(store, word)));
  std::cout << nodes_text(std::move(items), format);
  return exit_ok;
}

}  // namespace pausa::cli
