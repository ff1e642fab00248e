#include "supervisor/taken_port.hpp"

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

}  // namespace

void refuse_taken(const net::PublishedPort& port, const state::Store& store) {
  std::string sentence = "port " + net::to_text(port) + " of this machine is taken";
  const auto holders = net::holders_of(port);
  for (const auto pid : holders) {
    const auto pod = pod_of(store, pid);
    if (pod.empty() && pid != holders.back()) continue;
    sentence += " by " + command_of(pid) + " (pid " + std::to_string(pid) + ")";
    if (!pod.empty()) sentence += " of pod " + pod;
    break;
  }
  sys::Error error(sentence);
  if (const auto free = net::next_free(port); free != 0)
    error.advise(std::to_string(free) + " is free");
  throw error;
}

}  // namespace pausa::supervisor
