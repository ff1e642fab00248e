#include "cli/procession.hpp"

#include "cli/command.hpp"
#include "cli/remove_pod.hpp"
#include "supervisor/networks.hpp"
#include "sys/error.hpp"

#include <poll.h>

#include <iostream>

namespace pausa::cli {
namespace {

bool interrupted(const Patience& patience) {
  pollfd ready{patience.interrupt, POLLIN, 0};
  return patience.interrupt >= 0 && ::poll(&ready, 1, 0) > 0;
}

// The bridge that is asked for; empty: none.
std::string wanted_bridge(const state::Paths& paths, const StartOptions& options) {
  if (options.network == supervisor::NetworkChoice::none) return {};
  if (options.network) return supervisor::bridge_config(paths).name;
  const auto network = supervisor::find_network(paths, options.network_name);
  return network ? network->bridge : std::string();
}

std::string name_of_bridge(const state::Paths& paths, const std::string& bridge) {
  if (bridge.empty()) return "its own loopback";
  for (const auto& network : supervisor::list_networks(paths))
    if (network.bridge == bridge) return "the network " + network.name;
  return "the bridge " + bridge;
}

// A pod that lives keeps its network, whatever --network says.
void tell_where_it_stays(const state::Store& store, const WantedPod& pod) {
  const auto& options = pod.options;
  if (options.quiet || pod.loaded.pod.spec.host_network) return;
  if (!options.network && options.network_name.empty()) return;
  const auto key = key_of(pod);
  const auto record = store.read(key);
  if (!record) return;
  const bool none = record->network.mode == state::NetworkRecord::Mode::loopback;
  const std::string bridge = none ? "" : record->network.bridge;
  if (bridge == wanted_bridge(store.paths(), options)) return;
  std::cerr << "pausa: pod " << key.name << " stays on " << name_of_bridge(store.paths(), bridge)
            << "; to move it: pausa down " << key.name << ", then up again" << std::endl;
}

}  // namespace

state::PodKey key_of(const WantedPod& pod) {
  return {pod.loaded.pod.metadata.namespace_, pod.loaded.pod.metadata.name};
}

Procession::Procession(const state::Store& store, std::vector<WantedPod> pods, sys::UniqueFd kept)
    : store_(store), pods_(std::move(pods)), kept_(std::move(kept)) {
  for (const auto& pod : pods_) keys_.push_back(key_of(pod));
}

template <typename Counts>
void Procession::make_room(Counts counts) {
  std::vector<state::PodKey> ending;
  for (std::size_t i = 0; i < pods_.size(); ++i)
    if (pods_[i].plan.kind == PodPlan::Kind::recreate && counts(pods_[i]))
      ending.push_back(keys_[i]);
  if (ending.empty()) return;
  if (end_pods(store_, ending, true, std::nullopt, true) != exit_ok)
    throw sys::Error("a pod that is to be made anew could not be ended");
}

bool Procession::begin(const Patience& patience) {
  tell_changes();
  make_room([](const WantedPod& pod) { return pod.turn == Turn::any; });
  ways_.resize(pods_.size());
  for (std::size_t i = 0; i < pods_.size(); ++i)
    if (pods_[i].turn == Turn::any) begin_update_of(i);
  for (std::size_t i = 0; i < pods_.size(); ++i) {
    if (interrupted(patience)) return false;
    if (pods_[i].turn == Turn::any) begin_start_of(i);
  }
  let_images_go();
  return true;
}

StartResult Procession::await(std::size_t i, const Patience& patience) {
  if (pods_[i].turn != Turn::any) {
    auto obstacle = await_turn(i, patience);
    if (obstacle.kind != StartResult::Kind::running) return obstacle;
    make_room([&](const WantedPod& pod) { return &pod == &pods_[i]; });
    begin_update_of(i);
    begin_start_of(i);
    let_images_go();
  }
  auto& way = ways_[i];
  if (way.update) {
    switch (way.update->listen(patience)) {
      case SupervisorCall::Heard::interrupted:
        return {StartResult::Kind::interrupted, "interrupted"};
      case SupervisorCall::Heard::timed_out:
        return {StartResult::Kind::timed_out, "it is still being changed"};
      case SupervisorCall::Heard::settled:
        break;
    }
    const auto reply = way.update->wait();
    way.update.reset();
    if (reply && !reply->ok) return {StartResult::Kind::failed, reply->error};
    if (!reply) start(i);  // its supervisor died over it
    let_images_go();
  }
  auto result = await_start(store_, way.starting, patience.deadline, patience.interrupt);
  last_ = result.kind;
  return result;
}

void Procession::tell_changes() const {
  for (std::size_t i = 0; i < pods_.size(); ++i) {
    const auto& plan = pods_[i].plan;
    if (plan.kind == PodPlan::Kind::update || plan.kind == PodPlan::Kind::keep)
      tell_where_it_stays(store_, pods_[i]);
    const bool changes = plan.kind == PodPlan::Kind::update || plan.kind == PodPlan::Kind::recreate;
    if (changes && !pods_[i].options.quiet)
      std::cerr << "pausa: pod " << plan_text(keys_[i], plan) << std::endl;
  }
}

StartResult Procession::await_turn(std::size_t i, const Patience& patience) const {
  const Target before{keys_[i - 1], ""};
  if (last_ != StartResult::Kind::running)
    return {last_, before.key.name + " before it does not run"};
  if (pods_[i].turn != Turn::after_ready) return {};
  if (!pods_[i].options.quiet &&
      look(store_, before, Goal::ready).kind == Progress::Kind::on_the_way)
    std::cerr << "pausa: pod " << keys_[i].name << " waits until " << before.key.name << " is ready"
              << std::endl;
  const auto progress = wait_pod(store_, before, Goal::ready, patience);
  switch (progress.kind) {
    case Progress::Kind::reached:
      return {};
    case Progress::Kind::interrupted:
      return {StartResult::Kind::interrupted, "interrupted"};
    case Progress::Kind::on_the_way:
      return {StartResult::Kind::timed_out,
              before.key.name + " before it is not ready: " + progress.missing};
    case Progress::Kind::impossible:
      break;
  }
  return {StartResult::Kind::ended,
          before.key.name + " before it will not be ready: " + progress.missing};
}

void Procession::begin_update_of(std::size_t i) {
  auto& pod = pods_[i];
  ways_[i].starting.key = keys_[i];
  if (pod.plan.kind == PodPlan::Kind::update)
    ways_[i].update =
        begin_update(store_, keys_[i], pod::to_json(pod.loaded.object), pod.images.containers);
  if (ways_[i].update) ways_[i].begun = true;
  const bool lives = ways_[i].update || pod.plan.kind == PodPlan::Kind::keep;
  if (lives && !pod.options.origin.empty() && store_.read_origin(keys_[i]) != pod.options.origin)
    store_.write_origin(keys_[i], pod.options.origin);
}

void Procession::begin_start_of(std::size_t i) {
  if (ways_[i].update) return;
  if (pods_[i].plan.kind != PodPlan::Kind::keep) return start(i);
  // What it is wanted to be it may have to be made again on the machine.
  if (const auto record = store_.read(keys_[i]))
    supervisor::restore_network(store_.paths(), *record);
}

void Procession::let_images_go() {
  for (std::size_t i = 0; i < pods_.size(); ++i) {
    const bool begun = pods_[i].plan.kind == PodPlan::Kind::keep || ways_[i].begun;
    if (!begun || ways_[i].update) return;
  }
  kept_.reset();
}

void Procession::start(std::size_t i) {
  auto& pod = pods_[i];
  ways_[i].begun = true;
  ways_[i].starting = start_pod(store_, std::move(pod.loaded), std::move(pod.images), pod.options);
}

}  // namespace pausa::cli
