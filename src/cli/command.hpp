// One verb of the command line. The table of all verbs (main.cpp) is the one source of dispatch,
// `--help`, completion and the man page.
#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace pausa::cli {

// Exit codes of every verb but run, exec, test and attach, which pass the contained one.
enum ExitCode : int {
  exit_ok = 0,
  exit_failed = 1,
  exit_usage = 2,
  exit_manifest = 3,
  exit_no_such_object = 4,
  exit_timed_out = 124,
  exit_pausa_failed = 125,
  exit_interrupted = 130
};

using Arguments = std::vector<std::string>;

struct Command {
  std::string_view name;
  std::string_view summary;   // one line
  std::string_view synopsis;  // "[-d] FILE…"
  std::string_view examples;  // one a line: COMMAND   # WHAT
  int (*run)(const Arguments& arguments);
  // The options' table as text, for --help.
  std::string (*options)();
  bool hidden = false;
};

std::span<const Command> commands();

// Wrong use of a verb: told with a pointer to its help, exit code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// An object that is not there: exit code 4.
class NoSuchObject : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace pausa::cli
