#include "cli/signals.hpp"

#include "sys/error.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

namespace pausa::cli {

Signals::Signals(std::initializer_list<int> numbers) {
  sigset_t set;
  (void)::sigemptyset(&set);
  for (const int number : numbers) (void)::sigaddset(&set, number);
  sys::check(::sigprocmask(SIG_BLOCK, &set, &before_), "block signals");
  fd_.reset(sys::check(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd"));
}

Signals::~Signals() {
  (void)::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

std::optional<int> Signals::take() {
  signalfd_siginfo info{};
  if (::read(fd_.get(), &info, sizeof info) != sizeof info) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace pausa::cli
