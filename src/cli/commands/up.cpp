#include "cli/commands/commands.hpp"
#include "cli/options.hpp"
#include "cli/start_pod.hpp"
#include "manifest/load.hpp"
#include "manifest/render.hpp"
#include "sys/error.hpp"

#include <cstdio>
#include <iostream>

#include <unistd.h>

namespace pausa::cli {
namespace {

const std::vector<Option> table{
    {"file,f", "FILE", "a manifest; \"-\" is standard input, a folder all manifests in it"},
    {"detach,d", nullptr, "return when all containers run (the default without a terminal)"},
    {"wait", nullptr, "return when all containers are ready"},
    {"timeout", "TIME", "give up after this time (exit code 124)"},
    {"restart-backoff", "TIME[,MAX]", "first and longest wait between restarts (10s,5m)"},
    {"explain", nullptr, "print every step of the start"}};

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

// Prints all findings; false when there is an error among them.
bool accept(const manifest::LoadResult& loaded) {
  const std::string text =
      manifest::render_all(loaded.diagnostics, loaded.sources, ::isatty(STDERR_FILENO) == 1,
                           "nothing was started");
  std::cerr << text;
  return !pod::has_errors(loaded.diagnostics);
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
  const auto loaded = manifest::load_paths(files);
  if (!accept(loaded)) return exit_manifest;

  const state::Store store(state::Paths::from_environment());
  store.prepare();
  std::vector<std::vector<image::ResolvedImage>> images;
  for (const auto& entry : loaded.pods)
    images.push_back(resolve_images(entry, loaded.sources[entry.source].folder.string(), store));
  const auto backoff = backoff_from(options);

  std::optional<std::chrono::steady_clock::time_point> deadline;
  if (const auto text = options.get("timeout"))
    deadline = std::chrono::steady_clock::now() +
               std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                   parse_duration(*text, "--timeout"));
  std::vector<StartingPod> starting;
  int code = exit_ok;
  for (std::size_t i = 0; i < loaded.pods.size(); ++i) {
    try {
      starting.push_back(
          start_pod(store, loaded.pods[i], std::move(images[i]), backoff, options.has("explain")));
    } catch (const sys::Error& error) {
      std::cerr << "pausa: " << error.what() << "\n";
      code = exit_failed;
    }
  }
  for (const auto& pod : starting) {
    bool timed_out = false;
    const auto why = await_start(pod, deadline, timed_out);
    if (!why) {
      std::cout << "pod/" << pod.key.name << "\n";
      continue;
    }
    std::cerr << "pausa: pod " << pod.key.name << ": " << *why << "\n";
    code = timed_out ? static_cast<int>(exit_timed_out) : static_cast<int>(exit_failed);
  }
  return code;
}

}  // namespace pausa::cli
