#include "cli/commands/commands.hpp"
#include "cli/pod_words.hpp"
#include "cli/remove_pod.hpp"
#include "cli/start_pod.hpp"
#include "cli/supervisor_call.hpp"
#include "sys/error.hpp"
#include "sys/pause.hpp"

#include <iostream>

namespace pausa::cli {
namespace {

constexpr Option table[]{{"all,a", nullptr, "every pod"},
                         {"timeout,t", "TIME", "grace period, instead of the manifest's"},
                         {"namespace,n", "NAME", "the pods' namespace"}};

// One container, in the living pod: its neighbours, addresses and volumes stay.
void restart_container(const state::Store& store, const Target& target,
                       std::optional<std::chrono::milliseconds> grace) {
  control::Request request;
  request.op = control::Op::restart;
  request.container = target.container;
  if (grace) request.grace_ms = grace->count();
  constexpr std::chrono::seconds patience(15);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < deadline) {
    const auto record = find_pod(store, target.key);
    (void)pick_container(store, record, target.container);
    if (record.state.finished)
      throw sys::Error("pod " + target.key.name + " does not run; pausa start " + target.key.name +
                       " starts it");
    auto call = SupervisorCall::put(store, target.key, request);
    const auto reply = call ? call->wait() : std::nullopt;
    if (!reply) {
      // Its supervisor died over it, or does not listen yet.
      sys::pause_briefly();
      continue;
    }
    if (!reply->ok) throw sys::Error("pod " + target.key.name + ": " + reply->error);
    return;
  }
  throw sys::Error("pod " + target.key.name + ": its supervisor does not answer");
}

}  // namespace

std::string restart_options() {
  return options_help(table);
}

int run_restart(const Arguments& arguments) {
  const Options options(table, arguments);
  const state::Store store(state::Paths::from_environment());
  store.prepare();
  const auto grace = grace_from(options);
  int code = exit_ok;
  std::vector<state::PodKey> pods;
  for (const auto& target : targets_from(options, store, "restart")) {
    if (target.container.empty()) {
      pods.push_back(target.key);
      continue;
    }
    try {
      restart_container(store, target, grace);
      std::cout << "pod/" << target.key.name << "/" << target.container << "\n";
    } catch (const sys::Error& error) {
      std::cerr << "pausa: " << error.what() << "\n";
      code = exit_failed;
    }
  }
  const int absent = drop_absent(store, pods);
  if (const int ended = end_pods(store, pods, false, grace, true); ended != exit_ok) code = ended;
  if (const int begun = start_pods_again(store, pods, false); begun != exit_ok) code = begun;
  return code != exit_ok ? code : absent;
}

}  // namespace pausa::cli
