// Runs a piece of a test in a child of its own and hands back what it wrote and how it ended: what
// a process gives up for good cannot be tried in the test program itself.
#pragma once

#include "sys/error.hpp"
#include "sys/fd.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

namespace pausa::test {

struct Outcome {
  std::string output;
  int status = 0;  // as waitpid(2) gives it
  bool exited(int code) const { return WIFEXITED(status) && WEXITSTATUS(status) == code; }
};

// call gets the write end of a pipe and returns the exit code.
template <typename Call>
Outcome in_child(Call call) {
  int ends[2];
  sys::check(::pipe2(ends, O_CLOEXEC), "pipe");
  const sys::UniqueFd reading(ends[0]);
  sys::UniqueFd writing(ends[1]);
  const pid_t child = sys::check(::fork(), "fork");
  if (child == 0) ::_exit(call(writing.get()));
  writing.reset();
  Outcome outcome;
  outcome.output = sys::read_all(reading.get(), 1 << 20, "the child's pipe");
  sys::check(::waitpid(child, &outcome.status, 0), "wait");
  return outcome;
}

}  // namespace pausa::test
