#include "cli/attach.hpp"
#include "cli/bring_images.hpp"
#include "cli/commands/commands.hpp"
#include "cli/image_lock.hpp"
#include "cli/jobs.hpp"
#include "cli/objects.hpp"
#include "cli/options.hpp"
#include "cli/plan_set.hpp"
#include "cli/publish.hpp"
#include "cli/remove_pod.hpp"
#include "cli/rollout.hpp"
#include "cli/terminal.hpp"
#include "cli/variables.hpp"
#include "cli/wait_pod.hpp"
#include "manifest/load.hpp"
#include "manifest/render.hpp"
#include "supervisor/networks.hpp"
#include "sys/error.hpp"

#include <unistd.h>

#include <cstdio>
#include <iostream>

namespace pausa::cli {
namespace {

constexpr Option table[]{
    {"file,f", "FILE", "a manifest; \"-\" is standard input, a folder all manifests in it"},
    {"configmap-from", "NAME=PATH", "a ConfigMap of this file, or of the files in this folder"},
    {"secret-from", "NAME=PATH", "likewise a Secret"},
    {"env-file", "FILE", "put the values of its lines NAME=VALUE in for ${NAME}"},
    {"set", "NAME[=VALUE]", "likewise this one, which must be of use; no value: our environment's"},
    {"allow-unsafe-sysctls", "PATTERN", "allow these sysctls of the pod's own namespaces, too"},
    {"detach,d", nullptr, "return when all containers run (the default without a terminal)"},
    {"attach", nullptr, "stay until the pods have ended; ^C removes them (the default on one)"},
    {"network", "bridge|pasta|none|host|NAME",
     "how the pods reach others, instead of PAUSA_NETWORK"},
    {"publish,p", "[IP:]HOSTPORT:PORT",
     "publish this port of the pod on the host, TCP or with /udp"},
    {"ports", "auto", "give a port of the host, the same each time, to each that has none"},
    {"pull", "always|missing|newer|never", "when to fetch images, not as each imagePullPolicy"},
    {"progress", "auto|plain|json|none", "how pulls are shown: bars on a terminal, else lines"},
    {"no-attach", nullptr, "as --detach"},
    {"wait", nullptr, "return when all containers are ready, or the pod has succeeded"},
    {"timeout", "TIME", "give up after this time (exit code 124)"},
    {"restart-backoff", "TIME[,MAX]", "first and longest wait between restarts (10s,5m)"},
    {"dry-run", nullptr, "print what would be done, and do nothing"},
    {"prune", nullptr, "remove what these files once brought and no longer name"},
    {"volumes", nullptr, "with --prune: claims, too, with their data"},
    {"probe-timing", "fast|exact", "exact: check readiness and startup at their times only"},
    {"explain", nullptr, "print every step of the start"},
    {"quiet,q", nullptr, "no progress on standard error"},
    {"no-color", nullptr, "no colours"}};

pod::BackoffPolicy backoff_from(const Options& options) {
  pod::BackoffPolicy policy;
  const auto text = options.get("restart-backoff");
  if (!text) return policy;
  const auto comma = text->find(',');
  policy.initial = parse_duration(text->substr(0, comma), "--restart-backoff");
  policy.maximum = comma == std::string::npos
                       ? std::max(policy.maximum, policy.initial)
                       : parse_duration(text->substr(comma + 1), "--restart-backoff");
  return policy;
}

bool exact_probes(const Options& options) {
  const auto timing = options.get("probe-timing").value_or("fast");
  if (timing != "fast" && timing != "exact")
    throw UsageError("--probe-timing: \"" + timing + "\" is neither fast nor exact");
  return timing == "exact";
}

// As it was asked for; Jobs keep the words.
void set_network(const state::Store& store, const Options& options, StartOptions& start) {
  const auto text = options.get("network");
  if (!text) return;
  choose_network(*text, start);
  if (!start.network && !supervisor::find_network(store.paths(), start.network_name)) {
    const auto fault = supervisor::network_name_fault(start.network_name);
    throw UsageError("--network: " +
                     (fault.empty() ? "there is no network " + start.network_name +
                                          "; pausa network create " + start.network_name +
                                          " makes one, and bridge, pasta, none, host need none"
                                    : fault));
  }
}

// Prints all findings; false when there is an error among them.
bool accept(const manifest::LoadResult& loaded) {
  const bool bad = pod::has_errors(loaded.diagnostics);
  std::cerr << manifest::render_all(loaded.diagnostics, loaded.sources,
                                    ::isatty(STDERR_FILENO) == 1, bad ? "nothing was started" : "");
  return !bad;
}

bool wants_attachment(const Options& options) {
  if (options.has("attach")) {
    if (options.has("detach") || options.has("no-attach"))
      throw UsageError("up: --attach and --detach exclude each other");
    return true;
  }
  if (options.has("detach") || options.has("no-attach") || options.has("wait")) return false;
  return ::isatty(STDOUT_FILENO) == 1;
}

int complain(const state::PodKey& key, const std::string& why, int code) {
  std::cerr << "pausa: pod " << key.name << ": " << why << "\n";
  return code;
}

// Until it is ready. Returns the exit code; the pod is left as it is.
int await_ready(const state::Store& store, const state::PodKey& key, const Patience& patience) {
  const auto progress = wait_pod(store, {key, ""}, Goal::ready, patience);
  switch (progress.kind) {
    case Progress::Kind::reached:
      return exit_ok;
    case Progress::Kind::interrupted:
      return exit_interrupted;
    case Progress::Kind::on_the_way:
      return complain(key, "not ready in time: " + progress.missing, exit_timed_out);
    case Progress::Kind::impossible: {
      const auto record = store.read(key);
      if (record && record->state.phase == pod::Phase::succeeded) return exit_ok;
      return complain(key, "will not be ready: " + progress.missing, exit_failed);
    }
  }
  return exit_failed;
}

// What the manifest no longer names, once the rest stands.
int prune(const state::Store& store, const Leftovers& leftovers, bool quiet) {
  const auto tell = [quiet](const std::string& words) {
    if (!quiet) std::cerr << "pausa: " << words << ": remove" << std::endl;
  };
  for (const auto& key : leftovers.pods) tell("pod " + key.name);
  const int code = end_pods(store, leftovers.pods, true, std::nullopt, true);
  for (const auto& key : leftovers.jobs)
    if (remove_job(store, key, std::nullopt)) tell("job/" + key.name);
  for (const auto& key : leftovers.cron_jobs)
    if (state::JobStore(store.paths()).remove_cron_job(key)) tell("cronjob/" + key.name);
  // After the pods that use them.
  for (const auto& object : leftovers.objects)
    if (remove_object(store.paths(), object, true)) tell(object_words(object));
  const int synced = sync_rules(store);
  return code != exit_ok ? code : synced;
}

// One that cannot be begun keeps no other from it.
int start_jobs(const state::Store& store, const std::vector<WantedJob>& jobs,
               const StartOptions& options) {
  int code = exit_ok;
  for (const auto& job : jobs) {
    try {
      start_job(store, job, options);
    } catch (const sys::Error& error) {
      std::cerr << "pausa: " << job.words() << ": " << error.what() << "\n";
      code = exit_failed;
    }
  }
  return code;
}

// Those with a keeper.
std::vector<state::PodKey> running_jobs(const std::vector<WantedJob>& jobs) {
  std::vector<state::PodKey> keys;
  for (const auto& job : jobs)
    if (job.kind == pod::WorkloadKind::job) keys.push_back(job.key);
  return keys;
}

// Until their first pods run, or to their end.
int tell_jobs(const state::Store& store, const std::vector<WantedJob>& jobs,
              const Patience& patience, bool to_the_end) {
  int code = exit_ok;
  for (const auto& job : jobs) {
    int its = exit_ok;
    if (job.kind == pod::WorkloadKind::job)
      its = to_the_end ? await_job_end(store, job.key, patience)
                       : await_job_begun(store, job.key, patience);
    if (its == exit_interrupted) return its;
    if (its == exit_ok)
      std::cout << job.words() << std::endl;
    else
      code = its;
  }
  return code;
}

void tell_names(const std::vector<state::PodKey>& keys) {
  std::string names;
  for (const auto& key : keys) names += (names.empty() ? "" : ", ") + key.name;
  std::cerr << "pausa: " << names << (keys.size() > 1 ? " run" : " runs")
            << "; ^C stops and removes" << (keys.size() > 1 ? " them" : " it") << std::endl;
}

}  // namespace

std::string up_options() {
  return options_help(table);
}

int run_up(const Arguments& arguments) {
  const Options options(table, arguments);
  auto files = options.all("file");
  files.insert(files.end(), options.words().begin(), options.words().end());
  if (files.empty()) throw UsageError("up needs a manifest");
  const auto given = variables_from(options);
  const auto publications = options.all("publish");
  auto loaded =
      manifest::load_paths(files,
                           {options.all("allow-unsafe-sysctls"), ports_to_publish(publications),
                            options.has("ports"), options.get("network") == "host"},
                           given.get());
  if (!accept(loaded)) return exit_manifest;
  require_used(options, loaded.variables);

  const state::Store store(state::Paths::from_environment());
  store.prepare();
  pin_images(store, loaded, options.has("quiet"));
  for (auto& entry : loaded.pods)
    anchor_images(entry, loaded.sources[entry.source].folder.string());
  StartOptions start{backoff_from(options),
                     options.has("explain"),
                     options.has("quiet"),
                     exact_probes(options),
                     "",
                     std::nullopt};
  set_network(store, options, start);
  if (start.network == supervisor::NetworkChoice::host)
    for (auto& entry : loaded.pods) use_host_network(entry);
  if (!publications.empty() && loaded.pods.size() != 1)
    throw UsageError("up: --publish is for one pod; these files have " +
                     std::to_string(loaded.pods.size()));
  if (!publications.empty()) publish(publications, loaded.pods.front());
  if (const auto ports = options.get("ports")) {
    if (*ports != "auto") throw UsageError("--ports: \"" + *ports + "\" is not auto");
    auto taken = asked_ports(loaded.pods);
    for (auto& entry : loaded.pods)
      if (!entry.pod.spec.host_network)
        publish_all(store, loaded.sources[entry.source].folder.string(), entry, taken);
  }
  add_objects_of_files(options.all("configmap-from"), pod::ObjectKind::config_map, loaded);
  add_objects_of_files(options.all("secret-from"), pod::ObjectKind::secret, loaded);
  auto plan = plan_set(store, loaded);
  if (options.has("prune"))
    plan.add(find_leftovers(store, loaded, files, options.has("volumes")));
  else if (options.has("volumes"))
    throw UsageError("up: --volumes is of use with --prune only");

  if (const auto missing = missing_references(loaded, store.paths(), plan.leftovers.objects);
      !missing.empty()) {
    std::cerr << manifest::render_all(missing, loaded.sources, ::isatty(STDERR_FILENO) == 1,
                                      "nothing was started");
    return exit_manifest;
  }
  const auto jobs = wanted_jobs(store, loaded);
  if (options.has("dry-run")) {
    std::cout << plan_text(plan, loaded);
    for (const auto& job : jobs) std::cout << plan_text(job) << "\n";
    return exit_ok;
  }
  const auto pull = options.get("pull");
  const auto when = pull ? parse_pull_when(*pull) : PullWhen::by_policy;
  const auto samples = job_samples(loaded);
  bring_images(store, loaded, samples, when, pull_progress(options));
  auto kept = image::Library(store.paths().root).keep_all();
  for (const auto& sample : samples) (void)resolve_images(sample, store);
  std::vector<WantedPod> pods(loaded.pods.size());
  for (std::size_t i = 0; i < pods.size(); ++i)
    pods[i].images = resolve_images(loaded.pods[i], store);

  Patience patience;
  if (const auto text = options.get("timeout"))
    patience.deadline = std::chrono::steady_clock::now() +
                        std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                            parse_duration(*text, "--timeout"));
  const bool attached = wants_attachment(options);
  // An interrupt takes back what was begun, later it ends the pods that we stay with. (The
  // supervisors unblock all.)
  Signals signals({SIGINT, SIGTERM});
  patience.interrupt = signals.fd();
  std::string words;
  for (const auto& object : plan.objects) words += object_words(object.object) + "\n";
  const auto turns = turns_of(loaded, plan.pods);
  for (std::size_t i = 0; i < pods.size(); ++i) {
    auto& entry = loaded.pods[i];
    pods[i].turn = turns[i];
    pods[i].options = start;
    pods[i].options.origin = origin_of(loaded.sources[entry.source]);
    pods[i].plan = std::move(plan.pods[i]);
    pods[i].loaded = std::move(entry);
  }
  loaded = {};  // the supervisors that are forked below do not need it
  auto result = roll_out(store, std::move(plan.objects), std::move(pods),
                         jobs.empty() ? std::move(kept) : sys::UniqueFd(), patience);
  if (result.taken_back) {
    while (signals.take()) continue;  // heard: it need not end us now
    return result.code;
  }
  // A Deployment with fewer replicas leaves some, too.
  if (result.code == exit_ok && !plan.leftovers.empty())
    result.code = prune(store, plan.leftovers, options.has("quiet"));
  // When all else stands.
  if (result.code == exit_ok) result.code = start_jobs(store, jobs, start);
  kept.reset();
  if (!attached) {
    std::cout << words << std::flush;
    for (const auto& key : result.up) {
      const int code = options.has("wait") ? await_ready(store, key, patience) : exit_ok;
      if (code == exit_interrupted) {
        while (signals.take()) continue;
        return code;
      }
      if (code != exit_ok)
        result.code = code;
      else
        std::cout << "pod/" << key.name << std::endl;
    }
    if (result.code == exit_ok) result.code = tell_jobs(store, jobs, patience, options.has("wait"));
    while (signals.take()) continue;
    return result.code;
  }
  const auto followed = result.code == exit_ok ? running_jobs(jobs) : std::vector<state::PodKey>();
  if (result.up.empty() && followed.empty()) return result.code;
  LogStyle style;
  style.colour = !options.has("no-color") && wants_colour(STDOUT_FILENO);
  const bool quiet = options.has("quiet");
  auto names = result.up;
  names.insert(names.end(), followed.begin(), followed.end());
  if (!quiet) tell_names(names);
  const int ended = attach(store, result.up, signals, style, quiet, followed);
  return ended != exit_ok ? ended : result.code;
}

}  // namespace pausa::cli
