#include "cli/bring_images.hpp"
#include "cli/commands/commands.hpp"
#include "cli/job_keeper.hpp"
#include "image/library.hpp"
#include "supervisor/spawn.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <unistd.h>

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
  if (arguments.size() != 4) throw UsageError("bring-image is for pausa itself");
  // The supervisor is kept from the OOM killer; this is no part of it.
  if (const auto score =
          sys::try_open_at(AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC))
    (void)!::write(score.get(), "0", 1);
  const state::Store store(state::Paths::from_environment());
  // Whoever prunes may take long; the supervisor does not wait for that, we do.
  (void)image::Library(store.paths().root).keep_all();
  const auto missing = bring_again(store, {arguments[0], arguments[1]}, arguments[2],
                                   PullProgress::none, arguments[3] == "root");
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
