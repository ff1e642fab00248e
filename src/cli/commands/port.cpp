#include "cli/commands/commands.hpp"
#include "cli/options.hpp"
#include "cli/pod_list.hpp"
#include "cli/publish.hpp"
#include "cli/target.hpp"
#include "cli/workloads.hpp"
#include "supervisor/services.hpp"
#include "supervisor/stored_pod.hpp"
#include "sys/error.hpp"
#include "sys/process.hpp"

#include <unistd.h>

#include <iostream>

namespace pausa::cli {
namespace {

constexpr Option table[]{{"url", nullptr, "the first TCP port as a URL of this machine"},
                         {"env", nullptr, "assignments for a shell: SHOP_WEB_HOST, …_PORT, …_URL"},
                         {"namespace,n", "NAME", "the pod's namespace"}};

// With the node ports of Services that it is behind, ready or not. For variables and URLs a port of
// its own comes first.
pod::Spec published(const state::Store& store, const state::Record& record, const pod::Pod& pod,
                    bool variables) {
  auto spec = pod.spec;
  if (spec.containers.empty()) return spec;
  const auto endpoint = supervisor::as_endpoint(record, pod);
  for (const auto& [node, service, always] :
       supervisor::node_ports_of(store, endpoint, ::geteuid() == 0)) {
    pod::ContainerPort port;
    port.container_port = node.pod_port;
    port.host_port = node.host_port;
    port.protocol = node.udp ? pod::Protocol::udp : pod::Protocol::tcp;
    bool doubled = false;
    for (const auto& own : endpoint.ports) {
      if (own.container_port != port.container_port || own.protocol != port.protocol) continue;
      if (port.name.empty()) port.name = own.name;
      doubled = doubled || own.host_port != 0;
    }
    if (!doubled || !variables) spec.containers.front().ports.push_back(std::move(port));
  }
  return spec;
}

int ports_of_all(const state::Store& store, const Options& options) {
  std::vector<std::string> troubles;
  for (const auto& entry : list_pods(store, false, troubles)) {
    if (options.has("namespace") && entry.key.namespace_ != options.get("namespace")) continue;
    const auto stored = supervisor::find_stored_pod(store, entry.key);
    if (!stored) continue;  // it has gone meanwhile
    const auto spec = entry.record
                          ? published(store, *entry.record, stored->pod, options.has("env"))
                          : stored->pod.spec;
    if (options.has("env")) {
      for (const auto& line : port_assignments(entry.key.name, spec, "")) std::cout << line << "\n";
    } else {
      for (const auto& line : port_lines(spec, ""))
        std::cout << entry.key.name << " " << line << "\n";
    }
  }
  for (const auto& trouble : troubles) std::cerr << "pausa: " << trouble << "\n";
  return troubles.empty() ? exit_ok : exit_failed;
}

}  // namespace

std::string port_options() {
  return options_help(table);
}

int run_port(const Arguments& arguments) {
  const Options options(table, arguments);
  const auto& words = options.words();
  if (words.size() > 2) throw UsageError("port takes a pod, and perhaps a port");
  if (words.empty() && options.has("url")) throw UsageError("--url is for one pod; name it");
  const state::Store store(state::Paths::from_environment());
  if (words.empty()) return ports_of_all(store, options);
  const auto target = target_of(store, words.front(), options.get("namespace"));
  const auto record = find_pod(store, target.key);
  if (!target.container.empty()) (void)pick_container(store, record, target.container);
  if (options.has("url") && (record.state.finished || !sys::alive(record.infra)))
    throw sys::Error("pod " + target.key.name + " does not run, so its ports lead nowhere");
  const auto spec = published(store, record, supervisor::read_living_pod(store, record).pod,
                              options.has("env") || options.has("url"));
  const std::string only = words.size() > 1 ? words[1] : "";
  std::vector<std::string> lines;
  if (options.has("env")) {
    lines = port_assignments(target.key.name, spec, only);
  } else if (options.has("url")) {
    if (auto url = port_url(spec, only); !url.empty()) lines.push_back(std::move(url));
  } else {
    lines = port_lines(spec, only);
  }
  for (const auto& line : lines) std::cout << line << "\n";
  if (!lines.empty() || (only.empty() && !options.has("url"))) return exit_ok;
  std::cerr << "pausa: pod " << target.key.name
            << (only.empty() ? " publishes no TCP port" : " does not publish port " + only) << "\n";
  return exit_failed;
}

}  // namespace pausa::cli
