#include "cli/commands/commands.hpp"
#include "cli/options.hpp"
#include "cli/supervisor_call.hpp"
#include "cli/target.hpp"
#include "cli/workloads.hpp"
#include "pod/names.hpp"
#include "pod/node.hpp"
#include "sys/error.hpp"

#include <algorithm>
#include <array>
#include <iostream>

namespace pausa::cli {
namespace {

constexpr Option table[]{{"reason", "WORD", "why, in one word"},
                         {"message", "TEXT", "why, for people"},
                         {"namespace,n", "NAME", "the pod's namespace"}};

// What the pod's own state says is not for others to set.
constexpr std::array<std::string_view, 5> own_types{"PodReadyToStartContainers", "Initialized",
                                                    "Ready", "ContainersReady", "PodScheduled"};

pod::Node condition_from(const std::string& word, const Options& options) {
  const auto split = word.find('=');
  const std::string type = word.substr(0, split);
  const std::string status = split == std::string::npos ? "" : word.substr(split + 1);
  if (status != "True" && status != "False")
    throw UsageError("condition: \"" + word + "\" is not TYPE=True or TYPE=False");
  if (std::find(own_types.begin(), own_types.end(), type) != own_types.end())
    throw UsageError("condition: " + type + " comes from the pod's own state");
  if (const auto faults = pod::qualified_name_faults(type); !faults.empty())
    throw UsageError("condition: " + type + ": " + faults.front());
  pod::Node condition = pod::Node::make_map();
  condition.set("type", pod::Node::make_string(type));
  condition.set("status", pod::Node::make_string(status));
  for (const char* name : {"reason", "message"})
    if (const auto text = options.get(name)) condition.set(name, pod::Node::make_string(*text));
  return condition;
}

void set_conditions(const state::Store& store, const state::PodKey& key,
                    const std::vector<pod::Node>& conditions) {
  const auto record = find_pod(store, key);
  if (record.state.finished) throw sys::Error("pod " + key.name + " has ended");
  for (const auto& condition : conditions) {
    control::Request request;
    request.op = control::Op::condition;
    request.object = pod::to_json(condition);
    auto call = SupervisorCall::put(store, key, request);
    const auto reply = call ? call->wait() : std::nullopt;
    if (!reply) throw sys::Error("pod " + key.name + ": its supervisor does not answer");
    if (!reply->ok) throw sys::Error("pod " + key.name + ": " + reply->error);
  }
}

}  // namespace

std::string condition_options() {
  return options_help(table);
}

int run_condition(const Arguments& arguments) {
  const Options options(table, arguments);
  if (options.words().size() < 2) throw UsageError("condition needs a pod and TYPE=True or False");
  std::vector<pod::Node> conditions;
  for (std::size_t i = 1; i < options.words().size(); ++i)
    conditions.push_back(condition_from(options.words()[i], options));
  const state::Store store(state::Paths::from_environment());
  for (const auto& target : targets_of(store, options.words().front(), options.get("namespace"))) {
    set_conditions(store, target.key, conditions);
    std::cout << "pod/" << target.key.name << std::endl;
  }
  return exit_ok;
}

}  // namespace pausa::cli
