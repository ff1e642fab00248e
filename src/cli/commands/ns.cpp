#include "cli/commands/commands.hpp"
#include "cli/inspect_object.hpp"
#include "cli/namespace_matrix.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/target.hpp"
#include "cli/workloads.hpp"
#include "sys/error.hpp"

#include <unistd.h>

#include <iostream>

namespace pausa::cli {
namespace {

constexpr Option table[]{{"output,o", "FORMAT", "table, wide (inode numbers), json or yaml"},
                         {"no-headers", nullptr, "no line of headings"},
                         {"namespace,n", "NAME", "the pod's namespace"}};

}  // namespace

std::string ns_options() {
  return options_help(table);
}

int run_ns(const Arguments& arguments) {
  const Options options(table, arguments);
  const auto format =
      output_format(options, {Format::table, Format::wide, Format::json, Format::yaml});
  if (options.words().size() != 1) throw UsageError("ns needs one pod");
  const state::Store store(state::Paths::from_environment());
  const auto target = target_of(store, options.words().front(), options.get("namespace"));
  const auto record = as_of_now(find_pod(store, target.key));
  if (record.state.finished)
    throw sys::Error("pod " + record.key.name + " has ended, and its namespaces with it");

  std::vector<NamespaceSeat> seats{{"infra", namespaces_of(record.infra)}};
  for (const auto& container : record.containers) {
    if (!target.container.empty() && container.name != target.container) continue;
    // An init container that is done has nothing to show.
    if (container.init && !sys::alive(container.process)) continue;
    seats.push_back(
        {container.name, namespaces_of(container.process), container.own_pid_namespace});
  }
  if (!target.container.empty() && seats.size() == 1)
    throw NoSuchObject("no container " + target.container + " runs in pod " + record.key.name);
  const auto host = sys::namespace_inodes(::getpid());
  if (format == Format::json || format == Format::yaml) {
    using pod::Node;
    Node node = Node::make_map();
    node.set("host", namespaces_node(host));
    node.set("infra", namespaces_node(seats.front().inodes));
    Node containers = Node::make_map();
    for (std::size_t i = 1; i < seats.size(); ++i)
      containers.set(seats[i].name, namespaces_node(seats[i].inodes));
    node.set("containers", std::move(containers));
    std::cout << node_text(node, format);
    return exit_ok;
  }
  std::cout
      << namespace_matrix(seats, host, format == Format::wide).text(!options.has("no-headers"));
  return exit_ok;
}

}  // namespace pausa::cli
