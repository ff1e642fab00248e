#include "cli/commands/commands.hpp"
#include "cli/job_keeper.hpp"
#include "supervisor/spawn.hpp"

namespace pausa::cli {

// For the guard: takes a pod over whose supervisor died.
int run_supervise(const Arguments& arguments) {
  if (arguments.size() != 2) throw UsageError("supervise is for pausa itself");
  const state::Store store(state::Paths::from_environment());
  return supervisor::supervise(store, {arguments[0], arguments[1]});
}

// For `up` and `run-job`, and for who finds a Job without it.
int run_keep_job(const Arguments& arguments) {
  if (arguments.size() != 2) throw UsageError("keep-job is for pausa itself");
  const state::Store store(state::Paths::from_environment());
  return keep_job(store, {arguments[0], arguments[1]});
}

}  // namespace pausa::cli
