#include "cli/commands/commands.hpp"
#include "cli/image_lock.hpp"
#include "cli/jobs.hpp"
#include "cli/options.hpp"
#include "cli/plan_set.hpp"
#include "cli/start_pod.hpp"
#include "cli/variables.hpp"
#include "manifest/load.hpp"
#include "manifest/render.hpp"

#include <unistd.h>

#include <iostream>

namespace pausa::cli {
namespace {

constexpr Option table[]{
    {"file,f", "FILE", "a manifest; \"-\" is standard input, a folder all manifests in it"},
    {"env-file", "FILE", "put the values of its lines NAME=VALUE in for ${NAME}"},
    {"set", "NAME[=VALUE]", "likewise this one, which must be of use; no value: our environment's"},
    {"prune", nullptr, "with what up --prune would remove"}};

}  // namespace

std::string diff_options() {
  return options_help(table);
}

int run_diff(const Arguments& arguments) {
  const Options options(table, arguments);
  auto files = options.all("file");
  files.insert(files.end(), options.words().begin(), options.words().end());
  if (files.empty()) throw UsageError("diff needs a manifest");
  auto loaded = manifest::load_paths(files, {{"*"}}, variables_from(options).get());
  std::cerr << manifest::render_all(loaded.diagnostics, loaded.sources,
                                    ::isatty(STDERR_FILENO) == 1, "nothing was compared");
  if (pod::has_errors(loaded.diagnostics)) return exit_manifest;
  require_used(options, loaded.variables);
  const state::Store store(state::Paths::from_environment());
  pin_images(store, loaded, true);
  for (auto& entry : loaded.pods)
    anchor_images(entry, loaded.sources[entry.source].folder.string());
  auto plan = plan_set(store, loaded);
  if (options.has("prune")) plan.add(find_leftovers(store, loaded, files, false));
  std::cout << plan_text(plan, loaded);
  bool differs = plan.differs();
  for (const auto& job : wanted_jobs(store, loaded)) {
    std::cout << plan_text(job) << "\n";
    differs = differs || changes_anything(job);
  }
  return differs ? exit_failed : exit_ok;
}

}  // namespace pausa::cli
