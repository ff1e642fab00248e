// Brings several images at once, each in a process of its own, and shows how far they have come.
#pragma once

#include "cli/options.hpp"
#include "image/image.hpp"
#include "state/store.hpp"

#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

namespace pausa::cli {

// bars: lines that are redrawn; plain: a line for each beginning and end; json: one object a line.
enum class PullProgress : std::uint8_t { none, plain, bars, json };
// Of --progress (auto, plain, json, none) and --quiet; auto: bars on a terminal. Throws UsageError.
PullProgress pull_progress(const Options& options);

struct PullJob {
  image::Origin origin;
  std::vector<std::string> logins;  // texts of containers-auth.json(5); the machine's own come last
  bool tls_verify = true;
  bool may_fail = false;              // the others are begun nevertheless
  bool host_root = ::geteuid() == 0;  // as those decide who mount the layers
};

// At most three at a time. What went wrong with each, empty: nothing. After a failure no other
// is begun, which then has an empty text, too. All goes to standard error.
std::vector<std::string> run_pulls(const state::Store& store, const std::vector<PullJob>& jobs,
                                   PullProgress style);

}  // namespace pausa::cli
