#include "supervisor/taken_port.hpp"

#include "supervisor/services.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"
#include "sys/process.hpp"

#include <fcntl.h>

#include <algorithm>

namespace pausa::supervisor {
namespace {

bool is_of(const state::Record& record, pid_t pid) {
  const auto is = [pid](const sys::ProcessId& process) {
    return process.pid == pid && sys::alive(process);
  };
  return is(record.supervisor) || is(record.infra) ||
         std::any_of(record.containers.begin(), record.containers.end(),
                     [&is](const auto& container) { return is(container.process); });
}

std::string pod_of(const state::Store& store, pid_t pid) {
  for (const auto& key : store.list_keys()) try {
      const auto record = store.read(key);
      if (record && is_of(*record, pid)) return key.name;
    } catch (const sys::Error&) {
      continue;  // damaged
    }
  return {};
}

std::string command_of(pid_t pid) {
  constexpr std::size_t limit = 256;
  auto name =
      sys::read_file_at(AT_FDCWD, "/proc/" + std::to_string(pid) + "/comm", limit).value_or("");
  while (!name.empty() && name.back() == '\n') name.pop_back();
  return name;
}

using Owners = std::map<std::pair<std::uint16_t, bool>, NodePortOwner>;

Owners owners_of(const state::Store& store) {
  try {
    return node_port_owners(store);
  } catch (const sys::Error&) {
    return {};  // a damaged Service keeps no pod from starting
  }
}

// Whether rules for these families take what comes for it. ::1 stays its own.
bool is_led_away(const net::PublishedPort& port, const std::vector<pod::IpFamily>& families) {
  if (!port.host) return true;
  const auto own = port.host->v6 ? pod::IpFamily::v6 : pod::IpFamily::v4;
  return std::find(families.begin(), families.end(), own) != families.end() &&
         net::to_text(*port.host) != "::1";
}

[[noreturn]] void refuse(const net::PublishedPort& port, const std::string& why,
                         const Owners& owners) {
  sys::Error error("port " + net::to_text(port) + " of this machine is " + why);
  auto free = port;
  do free.host_port = net::next_free(free);
  while (owners.contains({free.host_port, port.udp}));
  if (free.host_port != 0) error.advise(std::to_string(free.host_port) + " is free");
  throw error;
}

}  // namespace

void refuse_taken(const net::PublishedPort& port, const state::Store& store) {
  std::string sentence = "taken";
  const auto holders = net::holders_of(port);
  for (const auto pid : holders) {
    const auto pod = pod_of(store, pid);
    if (pod.empty() && pid != holders.back()) continue;
    sentence += " by " + command_of(pid) + " (pid " + std::to_string(pid) + ")";
    if (!pod.empty()) sentence += " of pod " + pod;
    break;
  }
  refuse(port, sentence, owners_of(store));
}

void refuse_node_ports(const std::vector<net::PublishedPort>& ports, const state::Store& store) {
  if (ports.empty()) return;
  const auto owners = owners_of(store);
  for (const auto& port : ports) {
    const auto owner = owners.find({port.host_port, port.udp});
    if (owner == owners.end() || !is_led_away(port, owner->second.families)) continue;
    refuse(port, "the node port of " + owner->second.words, owners);
  }
}

}  // namespace pausa::supervisor
