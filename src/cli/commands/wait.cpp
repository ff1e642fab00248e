#include "cli/commands/commands.hpp"
#include "cli/jobs.hpp"
#include "cli/log_search.hpp"
#include "cli/pod_words.hpp"
#include "cli/port_check.hpp"
#include "cli/remove_pod.hpp"
#include "cli/wait_pod.hpp"
#include "cli/workloads.hpp"
#include "sys/error.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <iostream>

namespace pausa::cli {
namespace {

constexpr Option table[]{
    {"for", "WHAT",
     "exited (the default; prints the exit code), running, ready, deleted, condition=TYPE[=VALUE], "
     "log=REGEX: a line that a container writes, or port=N: it takes connections"},
    {"timeout", "TIME", "give up after this time (exit code 124)"},
    {"all,a", nullptr, "every pod"},
    {"namespace,n", "NAME", "the pods' namespace"}};

// What is waited for, as it was asked for.
struct Aim {
  enum class Kind : std::uint8_t { goal, condition, log, port };
  Kind kind = Kind::goal;
  Goal goal = Goal::exited;
  std::string condition, value;
  std::string pattern;
  std::uint16_t port = 0;
  std::string words;  // "ready", "condition Ready=True"
};

Aim aim_from(const Options& options) {
  const std::string text = options.get("for").value_or("exited");
  Aim aim;
  aim.words = text;
  for (const Goal goal : {Goal::running, Goal::ready, Goal::exited, Goal::deleted})
    if (text == goal_name(goal)) {
      aim.goal = goal;
      return aim;
    }
  // As kubectl spells it.
  if (text == "delete") {
    aim.goal = Goal::deleted;
    aim.words = goal_name(aim.goal);
    return aim;
  }
  const auto rest_of = [&text](std::string_view head) -> std::optional<std::string> {
    if (!text.starts_with(head) || text.size() == head.size()) return std::nullopt;
    return text.substr(head.size());
  };
  if (const auto condition = rest_of("condition=")) {
    aim.kind = Aim::Kind::condition;
    const auto split = condition->find('=');
    aim.condition = condition->substr(0, split);
    aim.value = split == std::string::npos ? "True" : condition->substr(split + 1);
    if (aim.value == "true" || aim.value == "false")
      aim.value.front() = static_cast<char>(aim.value.front() - 'a' + 'A');
    aim.words = "of condition " + aim.condition + "=" + aim.value;
    return aim;
  }
  if (const auto pattern = rest_of("log=")) {
    aim.kind = Aim::Kind::log;
    aim.pattern = *pattern;
    return aim;
  }
  if (const auto port = rest_of("port=")) {
    aim.kind = Aim::Kind::port;
    const auto [end, error] = std::from_chars(port->data(), port->data() + port->size(), aim.port);
    if (error != std::errc() || end != port->data() + port->size() || aim.port == 0)
      throw UsageError("--for: " + text + " is no port; write a number from 1 to 65535");
    return aim;
  }
  throw UsageError(
      "--for: \"" + text +
      "\" is none of exited, running, ready, deleted, condition=TYPE, log=REGEX, port=N");
}

Progress wait_for_log(const state::Store& store, const Target& target, const Aim& aim,
                      const Patience& patience) {
  LogSearch search(store, target, aim.pattern);
  return wait_until(
      store, target.key,
      [&]() -> Progress {
        // First the state: what is written before an end is there to be read then.
        const auto end = look(store, {target.key, ""}, Goal::exited);
        if (search.found()) return {Progress::Kind::reached, {}};
        const bool over = end.kind == Progress::Kind::reached && pod_exists(store, target.key);
        return {over ? Progress::Kind::impossible : Progress::Kind::on_the_way,
                over ? "it has ended without writing such a line" : "no line matches"};
      },
      patience, search.fd());
}

// For what nothing tells of: a descriptor that is readable every 20 ms, until rung() is called.
sys::UniqueFd make_bell() {
  sys::UniqueFd bell(
      sys::check(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), "make a timer"));
  constexpr timespec interval{0, 20'000'000};
  const itimerspec times{interval, interval};
  sys::check(::timerfd_settime(bell.get(), 0, &times, nullptr), "set a timer");
  return bell;
}

void rung(int bell) {
  std::uint64_t expired = 0;
  (void)!::read(bell, &expired, sizeof expired);
}

// Nothing tells when somebody begins to listen.
Progress wait_for_port(const state::Store& store, const Target& target, const Aim& aim,
                       const Patience& patience) {
  const auto round = make_bell();
  const std::string nobody = "nothing takes connections at port " + std::to_string(aim.port);
  return wait_until(
      store, target.key,
      [&]() -> Progress {
        rung(round.get());
        const auto record = store.read(target.key);
        if (!record) return {Progress::Kind::on_the_way, "there is no such pod, or it is stopped"};
        if (record->state.finished)
          return {Progress::Kind::impossible, "it has ended, and " + nobody};
        if (record->infra && port_accepts(record->infra, aim.port))
          return {Progress::Kind::reached, {}};
        return {Progress::Kind::on_the_way, nobody};
      },
      patience, round.get());
}

Progress wait_for(const state::Store& store, const Target& target, const Aim& aim,
                  const Patience& patience) {
  switch (aim.kind) {
    case Aim::Kind::goal:
      break;
    case Aim::Kind::condition:
      return wait_until(
          store, target.key,
          [&] { return look_at_condition(store, target.key, aim.condition, aim.value); }, patience);
    case Aim::Kind::log:
      return wait_for_log(store, target, aim, patience);
    case Aim::Kind::port:
      return wait_for_port(store, target, aim, patience);
  }
  return wait_pod(store, target, aim.goal, patience);
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

// What the words name.
struct Awaited {
  std::vector<state::PodKey> jobs;
  std::vector<Target> pods;
  std::vector<WorkloadName> workloads;  // that have no pods yet
};

Awaited split_words(const Options& options, const state::Store& store) {
  Awaited all;
  for (const auto& word : options.words()) {
    auto workload = workload_named(store, word, options.get("namespace"));
    if (workload && workload->kind == pod::WorkloadKind::job)
      all.jobs.push_back(workload->key);
    else if (workload && pods_owned_by(store, workload->key.namespace_, workload->owner()).empty())
      all.workloads.push_back(std::move(*workload));
    else
      for (auto& target : targets_of(store, word, options.get("namespace")))
        all.pods.push_back(std::move(target));
  }
  if (options.has("all"))
    for (auto& key : every_pod(store)) all.pods.push_back({std::move(key), ""});
  else if (all.jobs.empty() && all.pods.empty() && all.workloads.empty())
    throw UsageError("wait needs a pod, or --all");
  return all;
}

// Those of its pods that are not among them yet. Whether there were some.
bool add_new_pods(const state::Store& store, const WorkloadName& workload,
                  std::vector<Target>& pods) {
  const auto before = pods.size();
  for (auto& key : pods_owned_by(store, workload.key.namespace_, workload.owner()))
    if (std::none_of(pods.begin(), pods.end(),
                     [&key](const Target& known) { return known.key == key; }))
      pods.push_back({std::move(key), workload.container});
  return pods.size() > before;
}

// Adds its pods when the first of them is there. A pod's owner stands in its manifest, which comes
// after the folder that could be watched.
int wait_for_pods_of(const state::Store& store, const WorkloadName& workload, const Aim& aim,
                     const Patience& patience, const std::string& limit,
                     std::vector<Target>& pods) {
  if (aim.kind == Aim::Kind::goal && aim.goal == Goal::exited)
    throw NoSuchObject("no pods of " + workload.owner() + " in namespace " +
                       workload.key.namespace_);
  if (aim.kind == Aim::Kind::goal && aim.goal == Goal::deleted) {
    std::cout << workload.owner() << std::endl;
    return exit_ok;
  }
  const auto bell = make_bell();
  const auto progress = wait_until(
      store, workload.key,
      [&]() -> Progress {
        rung(bell.get());
        return {add_new_pods(store, workload, pods) ? Progress::Kind::reached
                                                    : Progress::Kind::on_the_way,
                "it has no pods"};
      },
      patience, bell.get());
  if (progress.kind != Progress::Kind::reached) {
    std::cerr << "pausa: " << workload.owner() << " is not " << aim.words << " after " << limit
              << ": " << progress.missing << "\n";
    return exit_timed_out;
  }
  return exit_ok;
}

Progress look_at_job(const std::optional<state::Job>& job, const Aim& aim) {
  const bool deleted = aim.kind == Aim::Kind::goal && aim.goal == Goal::deleted;
  if (!job)
    return {deleted ? Progress::Kind::reached : Progress::Kind::on_the_way, "there is no such job"};
  const auto spec = pod::decode_job(job->object);
  if (aim.kind == Aim::Kind::condition &&
      pod::job_condition(spec, job->state, aim.condition, aim.value))
    return {Progress::Kind::reached, {}};
  const bool exited = aim.kind == Aim::Kind::goal && aim.goal == Goal::exited;
  if (exited && job->state.finished) return {Progress::Kind::reached, {}};
  const std::string word = "it is " + std::string(pod::job_word(spec, job->state)) +
                           (job->state.reason.empty() ? "" : " (" + job->state.reason + ")");
  const bool over = job->state.finished && !deleted;
  return {over ? Progress::Kind::impossible : Progress::Kind::on_the_way, word};
}

int wait_for_job(const state::Store& store, const state::PodKey& key, const Aim& aim,
                 const Patience& patience, const std::string& limit) {
  const bool exited = aim.kind == Aim::Kind::goal && aim.goal == Goal::exited;
  const bool deleted = aim.kind == Aim::Kind::goal && aim.goal == Goal::deleted;
  if (aim.kind != Aim::Kind::condition && !exited && !deleted)
    throw UsageError(
        "a Job is waited for with condition=complete, condition=failed, exited or "
        "deleted");
  const state::JobStore jobs(store.paths());
  if (exited && !jobs.read(key))
    throw NoSuchObject("no job " + key.name + " in namespace " + key.namespace_);
  const auto progress = wait_job(
      store, key, [&aim](const auto& job) { return look_at_job(job, aim); }, patience);
  switch (progress.kind) {
    case Progress::Kind::reached:
      if (exited) {
        const auto job = jobs.read(key);
        std::cout << (job && job->state.complete == false ? 1 : 0) << std::endl;
      } else {
        std::cout << "job/" << key.name << std::endl;
      }
      return exit_ok;
    case Progress::Kind::impossible:
      std::cerr << "pausa: job " << key.name << " will not be " << aim.words << ": "
                << progress.missing << "\n";
      return exit_failed;
    default:
      std::cerr << "pausa: job " << key.name << " is not " << aim.words << " after " << limit
                << ": " << progress.missing << "\n";
      return exit_timed_out;
  }
}

}  // namespace

std::string wait_options() {
  return options_help(table);
}

int run_wait(const Arguments& arguments) {
  const Options options(table, arguments);
  const state::Store store(state::Paths::from_environment());
  const Aim aim = aim_from(options);
  const bool for_exit = aim.kind == Aim::Kind::goal && aim.goal == Goal::exited;
  auto awaited = split_words(options, store);
  Patience patience;
  const auto limit = options.get("timeout");
  if (limit)
    patience.deadline = std::chrono::steady_clock::now() +
                        std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                            parse_duration(*limit, "--timeout"));
  int code = exit_ok;
  for (const auto& job : awaited.jobs) {
    const int its = wait_for_job(store, job, aim, patience, limit.value_or(""));
    if (its == exit_timed_out) return its;
    if (its != exit_ok) code = its;
  }
  for (const auto& workload : awaited.workloads)
    if (const int its =
            wait_for_pods_of(store, workload, aim, patience, limit.value_or(""), awaited.pods);
        its != exit_ok)
      return its;
  if (aim.kind == Aim::Kind::goal && aim.goal == Goal::deleted) awaited.workloads.clear();
  // Pods may come while others are waited for.
  const auto more_came = [&] {
    bool any = false;
    for (const auto& workload : awaited.workloads)
      any = add_new_pods(store, workload, awaited.pods) || any;
    return any;
  };
  for (std::size_t i = 0; i < awaited.pods.size() || more_came(); ++i) {
    const Target target = awaited.pods[i];
    if (for_exit && !pod_exists(store, target.key))
      throw NoSuchObject("no pod " + target.key.name + " in namespace " + target.key.namespace_);
    if (auto record = store.read(target.key)) {
      // One that has lost its supervisor would never change.
      record = revive(store, std::move(*record));
      if (!target.container.empty()) (void)pick_container(store, *record, target.container);
    }
    const auto progress = wait_for(store, target, aim, patience);
    switch (progress.kind) {
      case Progress::Kind::reached:
        if (for_exit) {
          const auto record = store.read(target.key);
          std::cout << (record ? exit_code_of(*record, target.container) : 0) << std::endl;
        } else {
          std::cout << "pod/" << name_of(target) << std::endl;
        }
        break;
      case Progress::Kind::impossible:
        std::cerr << "pausa: pod " << name_of(target) << " will not be " << aim.words << ": "
                  << progress.missing << "\n";
        code = exit_failed;
        break;
      default:
        std::cerr << "pausa: pod " << name_of(target) << " is not " << aim.words << " after "
                  << *limit << ": " << progress.missing << "\n";
        return exit_timed_out;
    }
  }
  return code;
}

}  // namespace pausa::cli
