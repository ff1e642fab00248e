#include "cli/commands/commands.hpp"
#include "cli/pod_words.hpp"
#include "cli/remove_pod.hpp"
#include "cli/wait_pod.hpp"

#include <iostream>

namespace pausa::cli {
namespace {

const std::vector<Option> table{
    {"for", "WHAT", "exited (the default; prints the exit code), ready, or deleted"},
    {"timeout", "TIME", "give up after this time (exit code 124)"},
    {"all,a", nullptr, "every pod"},
    {"namespace,n", "NAME", "the pods' namespace"}};

Goal goal_from(const Options& options) {
  const std::string text = options.get("for").value_or("exited");
  if (text == "exited") return Goal::exited;
  // As kubectl spells them.
  if (text == "ready" || text == "condition=Ready" || text == "condition=ready") return Goal::ready;
  if (text == "deleted" || text == "delete") return Goal::deleted;
  throw UsageError("--for: \"" + text + "\" is none of exited, ready, deleted");
}

int exit_code_of(const state::Record& record, const std::string& container) {
  if (container.empty()) return pod::exit_code(record.state);
  for (std::size_t i = 0; i < record.containers.size(); ++i)
    if (record.containers[i].name == container && record.state.containers[i].terminated)
      return record.state.containers[i].terminated->exit_code;
  return 0;
}

std::string name_of(const Target& target) {
  return target.key.name + (target.container.empty() ? "" : "/" + target.container);
}

}  // namespace

std::string wait_options() {
  return options_help(table);
}

int run_wait(const Arguments& arguments) {
  const Options options(table, arguments);
  const state::Store store(state::Paths::from_environment());
  const Goal goal = goal_from(options);
  const auto targets = targets_from(options, store, "wait");
  std::optional<std::chrono::steady_clock::time_point> deadline;
  const auto limit = options.get("timeout");
  if (limit)
    deadline = std::chrono::steady_clock::now() +
               std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                   parse_duration(*limit, "--timeout"));
  int code = exit_ok;
  for (const auto& target : targets) {
    if (goal == Goal::exited && !pod_exists(store, target.key))
      throw NoSuchObject("no pod " + target.key.name + " in namespace " + target.key.namespace_);
    if (auto record = store.read(target.key)) {
      // One that has lost its supervisor would never change.
      record = revive(store, std::move(*record));
      if (!target.container.empty()) (void)pick_container(store, *record, target.container);
    }
    const auto progress = wait_pod(store, target, goal, deadline);
    switch (progress.kind) {
      case Progress::Kind::reached:
        if (goal == Goal::exited) {
          const auto record = store.read(target.key);
          std::cout << (record ? exit_code_of(*record, target.container) : 0) << std::endl;
        } else {
          std::cout << "pod/" << name_of(target) << std::endl;
        }
        break;
      case Progress::Kind::impossible:
        std::cerr << "pausa: pod " << name_of(target) << " will not be " << goal_name(goal) << ": "
                  << progress.missing << "\n";
        code = exit_failed;
        break;
      default:
        std::cerr << "pausa: pod " << name_of(target) << " is not " << goal_name(goal) << " after "
                  << *limit << ": " << progress.missing << "\n";
        return exit_timed_out;
    }
  }
  return code;
}

}  // namespace pausa::cli
