#include "cli/attach.hpp"
#include "cli/commands/commands.hpp"
#include "cli/jobs.hpp"
#include "cli/options.hpp"
#include "cli/target.hpp"
#include "cli/terminal.hpp"
#include "pod/names.hpp"
#include "sys/error.hpp"

#include <unistd.h>

#include <iostream>

namespace pausa::cli {
namespace {

constexpr Option table[]{
    {"name", "NAME", "the Job's name, instead of CRONJOB-1, CRONJOB-2…"},
    {"detach,d", nullptr, "return when its first pods run (the default without a terminal)"},
    {"attach", nullptr, "stay until it has finished; ^C removes it (the default on one)"},
    {"wait", nullptr, "return when it is complete; exit code 1 when it has failed"},
    {"timeout", "TIME", "give up after this time (exit code 124)"},
    {"namespace,n", "NAME", "the CronJob's namespace"},
    {"quiet,q", nullptr, "no progress on standard error"},
    {"no-color", nullptr, "no colours"}};

// The first number that no Job of this CronJob has.
std::string free_name(const state::JobStore& jobs, const state::PodKey& cron_job) {
  for (std::int64_t number = 1;; ++number) {
    const state::PodKey key{cron_job.namespace_, cron_job.name + "-" + std::to_string(number)};
    if (!jobs.read(key)) return key.name;
  }
}

std::int64_t limit_in(const pod::Node& cron_job, std::string_view field, std::int64_t otherwise) {
  const auto* const spec = cron_job.find("spec");
  const auto* const value = spec == nullptr ? nullptr : spec->find(field);
  return value == nullptr || value->is_null() ? otherwise : value->integer;
}

// What the CronJob does not keep any longer: the oldest of those that have finished.
void forget_old_jobs(const state::Store& store, const state::PodKey& key,
                     const pod::Node& cron_job) {
  const state::JobStore jobs(store.paths());
  for (const bool complete : {true, false}) {
    std::vector<state::PodKey> finished;
    for (const auto& one : jobs_of_cron_job(store, key))
      if (const auto job = jobs.read(one);
          job && job->state.finished && job->state.complete == complete)
        finished.push_back(one);
    const auto limit = complete ? limit_in(cron_job, "successfulJobsHistoryLimit", 3)
                                : limit_in(cron_job, "failedJobsHistoryLimit", 1);
    for (std::size_t i = 0; i + static_cast<std::size_t>(limit) < finished.size(); ++i)
      (void)remove_job(store, finished[i], std::nullopt);
  }
}

WantedJob wanted_job(const state::Store& store, const Options& options, const state::PodKey& key,
                     const pod::Node& cron_job) {
  const state::JobStore jobs(store.paths());
  const auto name = options.get("name").value_or(free_name(jobs, key));
  if (const auto faults = pod::dns_subdomain_faults(name); !faults.empty())
    throw UsageError("run-job: --name " + name + ": " + faults.front());
  WantedJob job;
  job.key = {key.namespace_, name};
  if (jobs.read(job.key))
    throw sys::Error("job " + name + " is there already; pausa down job/" + name + " removes it");
  job.object = pod::job_of_cron_job(
      cron_job, pod::decode_workload(cron_job, pod::WorkloadKind::cron_job), name);
  return job;
}

}  // namespace

std::string run_job_options() {
  return options_help(table);
}

int run_run_job(const Arguments& arguments) {
  const Options options(table, arguments);
  if (options.words().size() != 1) throw UsageError("run-job needs one CronJob");
  std::string word = options.words().front();
  if (const auto slash = word.find('/');
      slash != std::string::npos &&
      pod::workload_resource(word.substr(0, slash)) == pod::WorkloadKind::cron_job)
    word.erase(0, slash + 1);
  const auto key = parse_target(word, options.get("namespace")).key;
  const state::Store store(state::Paths::from_environment());
  const auto cron_job = state::JobStore(store.paths()).read_cron_job(key);
  if (!cron_job) throw NoSuchObject("no cronjob " + key.name + " in namespace " + key.namespace_);
  const bool detached = options.has("detach") || options.has("wait");
  const bool attached = options.has("attach") || (!detached && ::isatty(STDOUT_FILENO) == 1);
  forget_old_jobs(store, key, *cron_job);
  const auto job = wanted_job(store, options, key, *cron_job);
  // From here on an interrupt is to find the Job that it shall end.
  std::optional<Signals> signals;
  if (attached) signals.emplace(std::initializer_list<int>{SIGINT, SIGTERM});
  StartOptions start;
  start.quiet = options.has("quiet");
  choose_network(network_of_cron_job(*cron_job), start);
  start_job(store, job, start);
  if (attached) {
    LogStyle style;
    style.colour = !options.has("no-color") && wants_colour(STDOUT_FILENO);
    return attach(store, {}, *signals, style, start.quiet, {job.key});
  }
  Patience patience;
  if (const auto text = options.get("timeout"))
    patience.deadline = std::chrono::steady_clock::now() +
                        std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                            parse_duration(*text, "--timeout"));
  const int code = options.has("wait") ? await_job_end(store, job.key, patience)
                                       : await_job_begun(store, job.key, patience);
  if (code == exit_ok) std::cout << job.words() << std::endl;
  return code;
}

}  // namespace pausa::cli
