#include "cli/attach.hpp"
#include "cli/commands/commands.hpp"
#include "cli/objects.hpp"
#include "cli/options.hpp"
#include "cli/plan_pod.hpp"
#include "cli/remove_pod.hpp"
#include "cli/start_pod.hpp"
#include "cli/terminal.hpp"
#include "cli/wait_pod.hpp"
#include "manifest/load.hpp"
#include "manifest/render.hpp"
#include "sys/error.hpp"

#include <unistd.h>

#include <cstdio>
#include <iostream>

namespace pausa::cli {
namespace {

const std::vector<Option> table{
    {"file,f", "FILE", "a manifest; \"-\" is standard input, a folder all manifests in it"},
    {"configmap-from", "NAME=PATH", "a ConfigMap of this file, or of the files in this folder"},
    {"secret-from", "NAME=PATH", "likewise a Secret"},
    {"allow-unsafe-sysctls", "PATTERN", "allow these sysctls of the pod's own namespaces, too"},
    {"detach,d", nullptr, "return when all containers run (the default without a terminal)"},
    {"attach", nullptr, "stay until the pods have ended; ^C removes them (the default on one)"},
    {"no-attach", nullptr, "as --detach"},
    {"wait", nullptr, "return when all containers are ready, or the pod has succeeded"},
    {"timeout", "TIME", "give up after this time (exit code 124)"},
    {"restart-backoff", "TIME[,MAX]", "first and longest wait between restarts (10s,5m)"},
    {"dry-run", nullptr, "print what would be done, and do nothing"},
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

// Until it runs or, with `ready`, is ready. Returns the exit code; the pod is left as it is.
int await_up(const state::Store& store, const StartingPod& pod,
             std::optional<std::chrono::steady_clock::time_point> deadline, int interrupt,
             bool ready) {
  const auto result = await_start(store, pod, deadline, interrupt);
  switch (result.kind) {
    case StartResult::Kind::running:
      break;
    case StartResult::Kind::failed:
      return complain(pod.key, result.why, exit_failed);
    case StartResult::Kind::timed_out:
      return complain(pod.key, "not all containers run in time: " + result.why, exit_timed_out);
    case StartResult::Kind::interrupted:
      return exit_interrupted;
  }
  if (!ready) return exit_ok;
  const auto progress = wait_pod(store, {pod.key, ""}, Goal::ready, {deadline, interrupt});
  switch (progress.kind) {
    case Progress::Kind::reached:
      return exit_ok;
    case Progress::Kind::interrupted:
      return exit_interrupted;
    case Progress::Kind::on_the_way:
      return complain(pod.key, "not ready in time: " + progress.missing, exit_timed_out);
    case Progress::Kind::impossible: {
      const auto record = store.read(pod.key);
      if (record && record->state.phase == pod::Phase::succeeded) return exit_ok;
      return complain(pod.key, "will not be ready: " + progress.missing, exit_failed);
    }
  }
  return exit_failed;
}

// Interrupted before they ran.
int give_up(const state::Store& store, const std::vector<StartingPod>& starting) {
  std::vector<state::PodKey> keys;
  for (const auto& pod : starting) keys.push_back(pod.key);
  (void)end_pods(store, keys, true, std::chrono::milliseconds(0), true);
  return exit_interrupted;
}

int tell_plan(const state::Store& store, const manifest::LoadResult& loaded) {
  for (const auto& entry : loaded.pods) {
    const state::PodKey key{entry.pod.metadata.namespace_, entry.pod.metadata.name};
    std::cout << plan_text(key, plan_pod(store, key, entry.object)) << "\n";
  }
  return exit_ok;
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
  auto loaded = manifest::load_paths(files, {options.all("allow-unsafe-sysctls")});
  if (!accept(loaded)) return exit_manifest;

  const state::Store store(state::Paths::from_environment());
  store.prepare();
  std::vector<std::vector<image::ResolvedImage>> images;
  for (auto& entry : loaded.pods) {
    anchor_images(entry, loaded.sources[entry.source].folder.string());
    images.push_back(resolve_images(entry, store));
  }
  if (options.has("dry-run")) return tell_plan(store, loaded);
  const auto backoff = backoff_from(options);
  const bool exact = exact_probes(options);
  add_objects_of_files(options.all("configmap-from"), pod::ObjectKind::config_map, loaded);
  add_objects_of_files(options.all("secret-from"), pod::ObjectKind::secret, loaded);

  if (const auto missing = missing_references(loaded, store.paths()); !missing.empty()) {
    std::cerr << manifest::render_all(missing, loaded.sources, ::isatty(STDERR_FILENO) == 1,
                                      "nothing was started");
    return exit_manifest;
  }

  std::optional<std::chrono::steady_clock::time_point> deadline;
  if (const auto text = options.get("timeout"))
    deadline = std::chrono::steady_clock::now() +
               std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                   parse_duration(*text, "--timeout"));
  const bool attached = wants_attachment(options);
  // From here on an interrupt is to find the pods that it shall end. (The supervisors unblock all.)
  std::optional<Signals> signals;
  if (attached) signals.emplace(std::initializer_list<int>{SIGINT, SIGTERM});
  // Before the pods that read them.
  ObjectChanges changes(store.paths());
  changes.apply(loaded.objects);
  std::vector<StartingPod> starting;
  int code = exit_ok;
  // The supervisors that are forked below need neither.
  loaded.sources = {};
  loaded.diagnostics = {};
  for (std::size_t i = 0; i < loaded.pods.size(); ++i) {
    try {
      starting.push_back(start_pod(store, std::move(loaded.pods[i]), std::move(images[i]),
                                   {backoff, options.has("explain"), options.has("quiet"), exact}));
    } catch (const sys::Error& error) {
      std::cerr << "pausa: " << error.what() << "\n";
      code = exit_failed;
    }
  }
  if (starting.empty() && code != exit_ok) changes.undo();
  refresh_pods(store, changes.namespaces());
  if (!attached) std::cout << changes.words() << std::flush;
  std::vector<state::PodKey> up;
  for (const auto& pod : starting) {
    const auto result =
        await_up(store, pod, deadline, signals ? signals->fd() : -1, options.has("wait"));
    if (result == exit_interrupted) return give_up(store, starting);
    if (result != exit_ok) {
      code = result;
      continue;
    }
    up.push_back(pod.key);
    if (!attached) std::cout << "pod/" << pod.key.name << std::endl;
  }
  if (!attached || up.empty()) return code;
  LogStyle style;
  style.colour = !options.has("no-color") && wants_colour(STDOUT_FILENO);
  const bool quiet = options.has("quiet");
  if (!quiet) tell_names(up);
  const int ended = attach(store, up, *signals, style, quiet);
  return ended != exit_ok ? ended : code;
}

}  // namespace pausa::cli
