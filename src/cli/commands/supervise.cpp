#include "cli/bring_images.hpp"
#include "cli/commands/commands.hpp"
#include "cli/job_keeper.hpp"
#include "supervisor/spawn.hpp"

#include <iostream>

namespace pausa::cli {

// For the guard: takes a pod over whose supervisor died.
int run_supervise(const Arguments& arguments) {
  if (arguments.size() != 2) throw UsageError("supervise is for pausa itself");
  const state::Store store(state::Paths::from_environment());
  return supervisor::supervise(store, {arguments[0], arguments[1]});
}

// For a supervisor whose container is to start again and has no image any more.
int run_bring_image(const Arguments& arguments) {
  if (arguments.size() != 3) throw UsageError("bring-image is for pausa itself");
  const state::Store store(state::Paths::from_environment());
  const auto missing =
      bring_again(store, {arguments[0], arguments[1]}, arguments[2], PullProgress::none);
  if (missing.empty()) return exit_ok;
  std::cerr << missing.front().reason << " " << missing.front().message << "\n";
  return exit_failed;
}

// For `up` and `run-job`, and for who finds a Job without it.
int run_keep_job(const Arguments& arguments) {
  if (arguments.size() != 2) throw UsageError("keep-job is for pausa itself");
  const state::Store store(state::Paths::from_environment());
  return keep_job(store, {arguments[0], arguments[1]});
}

}  // namespace pausa::cli
