// The signals that a waiting command takes care of, as a descriptor for poll(2). Blocked as long as
// this lives; a process that is launched meanwhile gets its own signal state back (the launch
// unblocks all). Not for child zones.
#pragma once

#include "sys/fd.hpp"

#include <signal.h>

#include <initializer_list>
#include <optional>

namespace pausa::cli {

class Signals {
 public:
  explicit Signals(std::initializer_list<int> numbers);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  int fd() const { return fd_.get(); }
  // The next one that has come.
  std::optional<int> take();

 private:
  sigset_t before_{};
  sys::UniqueFd fd_;
};

}  // namespace pausa::cli
