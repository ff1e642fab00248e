#include "supervisor/port_forward.hpp"

#include "cli/commands/commands.hpp"
#include "cli/options.hpp"
#include "cli/signals.hpp"
#include "cli/target.hpp"
#include "cli/workloads.hpp"
#include "net/address.hpp"
#include "pod/service.hpp"
#include "state/object_store.hpp"
#include "supervisor/services.hpp"
#include "supervisor/stored_pod.hpp"
#include "sys/error.hpp"

#include <algorithm>
#include <iostream>

namespace pausa::cli {
namespace {

constexpr Option table[]{
    {"address", "ADDRESS[,…]", "addresses of this machine to listen at (localhost)"},
    {"namespace,n", "NAME", "the pod's namespace"}};

using Source = supervisor::PortForward::Source;

// What one word of the command line comes to.
struct Line {
  std::uint16_t local = 0;
  pod::PortRef remote;
  bool udp = false;
};

std::string shown(const pod::PortRef& port) {
  return port.name.empty() ? std::to_string(port.number) : port.name;
}

pod::ForwardedPort parse_port(const std::string& word) {
  const auto port = pod::parse_forwarded_port(word);
  if (!port) throw UsageError("\"" + word + "\" is no port; write [LOCAL:]REMOTE, as 8080:80");
  return *port;
}

// "svc/db": its name; nullopt: it is something else.
std::optional<std::string> service_named(const std::string& word) {
  for (const std::string_view kind : {"svc/", "service/", "services/"})
    if (word.starts_with(kind)) return word.substr(kind.size());
  return std::nullopt;
}

// A port of a Service is the one of its pods that it stands for; a headless one has none of its
// own.
Line line_to(const pod::Object& object, const pod::ForwardedPort& wanted) {
  const auto& service = *object.service;
  for (const auto& port : service.ports) {
    const bool same = wanted.remote.name.empty() ? port.port == wanted.remote.number
                                                 : port.name == wanted.remote.name;
    if (!same || (port.protocol == pod::Protocol::udp) != wanted.udp) continue;
    return {wanted.local.value_or(port.port), port.target, wanted.udp};
  }
  if (service.headless && wanted.remote.name.empty())
    return {wanted.local.value_or(wanted.remote.number), wanted.remote, wanted.udp};
  throw sys::Error("service/" + object.metadata.name + " has no port " + shown(wanted.remote));
}

// Where the local port is that of a name, some pod has to know it.
Line line_to(const state::Store& store, const std::vector<state::PodKey>& pods,
             const pod::ForwardedPort& wanted) {
  if (wanted.local && wanted.remote.name.empty()) return {*wanted.local, wanted.remote, wanted.udp};
  for (const auto& key : pods)
    if (const auto stored = supervisor::find_stored_pod(store, key))
      if (const auto found = pod::find_port(stored->pod.spec, wanted.remote, wanted.udp))
        return {wanted.local.value_or(found->number), wanted.remote, wanted.udp};
  throw sys::Error("pod " + pods.front().name + " has no port " + shown(wanted.remote));
}

// No pod will ever come for those, so nobody is to wait for one.
void refuse_without_pods(const pod::Object& object) {
  const auto& service = *object.service;
  const std::string words = "service/" + object.metadata.name;
  if (service.type == pod::ServiceType::external_name) {
    sys::Error error(words + " is of type ExternalName: no pods are behind it");
    error.advise("connect to " + service.external_name + " itself");
    throw error;
  }
  if (!service.selector.empty()) return;
  sys::Error error(words + " has no selector: no pods are behind it");
  error.advise("forward to a pod itself: pausa port-forward POD [LOCAL:]REMOTE");
  throw error;
}

Source source_of_service(const state::Store& store, const pod::Object& service) {
  Source source;
  source.words = "any pod of service/" + service.metadata.name;
  source.pods = [&store, service] {
    std::vector<state::PodKey> keys;
    for (const auto& pod : supervisor::endpoint_pods(store))
      if (pod.namespace_ == service.metadata.namespace_ && service.service->selects(pod.labels))
        keys.push_back({pod.namespace_, pod.name});
    return keys;
  };
  return source;
}

Source source_of_pods(const state::Store& store, const std::string& word,
                      const std::optional<std::string>& namespace_) {
  Source source;
  if (const auto workload = workload_named(store, word, namespace_)) {
    source.words = "any pod of " + workload->owner();
    source.pods = [&store, workload] {
      return pods_owned_by(store, workload->key.namespace_, workload->owner());
    };
    if (source.pods().empty())
      throw NoSuchObject("no pods of " + workload->owner() + " in namespace " +
                         workload->key.namespace_);
    return source;
  }
  const auto [key, container] = parse_target(word, namespace_);
  const auto record = find_pod(store, key);
  if (!container.empty()) (void)pick_container(store, record, container);
  source.words = "pod " + key.name;
  source.pods = [key] { return std::vector{key}; };
  return source;
}

// "localhost" is both loopbacks; that of IPv6 where there is one.
std::vector<std::string> addresses_from(const Options& options) {
  std::vector<std::string> addresses;
  for (const auto& list : options.all("address"))
    for (std::size_t at = 0; at <= list.size();) {
      const auto end = std::min(list.find(',', at), list.size());
      addresses.push_back(list.substr(at, end - at));
      at = end + 1;
    }
  for (const auto& address : addresses)
    if (address != "localhost" && !net::parse_address(address))
      throw UsageError("--address: \"" + address + "\" is no address of IPv4 or IPv6");
  if (addresses.empty()) addresses.emplace_back("localhost");
  return addresses;
}

void listen(supervisor::PortForward& forward, const std::string& address, Line& line) {
  const auto say = [&line](const std::string& at) {
    const std::string protocol = line.udp ? "/udp" : "";
    std::cout << "Forwarding from " << at << ":" << line.local << protocol << " -> "
              << shown(line.remote) << protocol << std::endl;
  };
  const bool both = address == "localhost";
  const std::string first = both ? "127.0.0.1" : address;
  line.local = forward.listen(first, line.local, line.remote, line.udp);
  say(first.find(':') == std::string::npos ? first : "[" + first + "]");
  if (!both) return;
  try {
    (void)forward.listen("::1", line.local, line.remote, line.udp);
    say("[::1]");
  } catch (const sys::Error&) {
    // No IPv6 here, or somebody else has it there.
  }
}

}  // namespace

std::string port_forward_options() {
  return options_help(table);
}

int run_port_forward(const Arguments& arguments) {
  const Options options(table, arguments);
  const auto& words = options.words();
  if (words.size() < 2)
    throw UsageError("port-forward needs a pod and ports: port-forward web 8080:80");
  std::vector<pod::ForwardedPort> wanted;
  for (std::size_t i = 1; i < words.size(); ++i) wanted.push_back(parse_port(words[i]));
  const state::Store store(state::Paths::from_environment());
  const auto namespace_ = options.get("namespace");
  Source source;
  std::vector<Line> lines;
  if (const auto name = service_named(words.front())) {
    const auto home = namespace_.value_or(default_namespace());
    const auto service =
        state::ObjectStore(store.paths()).find(pod::ObjectKind::service, home, *name);
    if (!service) throw NoSuchObject("no Service " + *name + " in namespace " + home);
    refuse_without_pods(*service);
    source = source_of_service(store, *service);
    for (const auto& port : wanted) lines.push_back(line_to(*service, port));
  } else {
    source = source_of_pods(store, words.front(), namespace_);
    const auto pods = source.pods();
    for (const auto& port : wanted) lines.push_back(line_to(store, pods, port));
  }
  source.tell = [](const std::string& sentence) {
    std::cerr << "pausa: " << sentence << std::endl;
  };
  const Signals signals{SIGINT, SIGTERM, SIGHUP};
  supervisor::PortForward forward(store, std::move(source));
  for (auto& line : lines)
    for (const auto& address : addresses_from(options)) listen(forward, address, line);
  forward.run(signals.fd());
  return exit_interrupted;
}

}  // namespace pausa::cli
