// Runs another program and hears what it says: skopeo, newuidmap, busybox, our own under libexec.
// It gets the environment that is given and no descriptor but those that are named, no signal mask
// and no ignored signals; it dies with the process that runs it. Not for child zones.
#pragma once

#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

namespace pausa::sys {

struct ToolRequest {
  std::string program;                           // an absolute path
  std::vector<std::string> arguments;            // argv, with its name first
  std::vector<std::string> environment;          // NAME=VALUE
  std::vector<std::pair<int, int>> descriptors;  // ours, and the number that it has there
  bool hear_output = false;  // what it prints is kept; else it goes to /dev/null
  bool hear_errors = true;   // likewise; else it goes where ours goes
};

// It has done nothing for as long as it may.
struct Stalled : Error {
  using Error::Error;
};

// One that runs. Destroyed before wait(), it is killed.
class Tool {
 public:
  // Throws sys::Error when it cannot be executed.
  explicit Tool(const ToolRequest& request);
  ~Tool();
  Tool(Tool&& other) noexcept;
  Tool& operator=(Tool&&) = delete;
  Tool(const Tool&) = delete;
  Tool& operator=(const Tool&) = delete;

  struct Result {
    int code = 0;  // as the shell's $?
    std::string output;
    std::string errors;  // the first 64 KiB
  };
  // Reads both to their end, then waits for its end. Throws when it prints more than 16 MiB;
  // Stalled when it has read and written next to nothing for `idle` seconds (0: it may take its
  // time), or nothing that we may know of.
  Result wait(int idle = 0);

  pid_t pid() const { return pid_; }
  // It lives on without this object; to reap it is the caller's.
  pid_t let_go() { return std::exchange(pid_, -1); }

  // What it has said on its standard error so far, for those who do not wait(). At most 512 bytes.
  std::string errors_so_far() const;

 private:
  pid_t pid_ = -1;
  UniqueFd output_;
  UniqueFd errors_;
};

// The first of the usual folders that has an executable file of this name; empty: none has.
std::string find_tool(const std::string& name);

// The calling process is killed when the process `parent` ends, which made it; at once when that
// has happened already. To be called again after a change of credentials: prctl(2),
// PR_SET_PDEATHSIG.
void die_with(pid_t parent);
// The calling process keeps these descriptors and the standard streams, and no others.
void close_all_but(std::vector<int> kept);

}  // namespace pausa::sys
