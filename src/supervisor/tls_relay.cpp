#include "supervisor/tls_relay.hpp"

#include "sys/error.hpp"
#include "sys/process.hpp"
#include "sys/socket.hpp"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace pausa::supervisor {

TlsRelay::TlsRelay(const std::string& program, sys::UniqueFd server, const std::string& name) {
  auto [ours, theirs] = sys::socket_pair(SOCK_STREAM);
  int pipe[2];
  sys::check(::pipe2(pipe, O_CLOEXEC), "make a pipe");
  errors_.reset(pipe[0]);
  (void)::fcntl(errors_.get(), F_SETFL, O_NONBLOCK);  // a relay that says nothing is not waited for
  const sys::UniqueFd errors_end(pipe[1]);

  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  (void)::posix_spawn_file_actions_init(&files);
  (void)::posix_spawnattr_init(&attributes);
  const std::array<int, 3> given{theirs.get(), server.get(), errors_end.get()};
  for (int fd = 0; fd < 3; ++fd)
    (void)::posix_spawn_file_actions_adddup2(&files, given[static_cast<std::size_t>(fd)], fd);
  // What we ignore, it does not.
  sigset_t all;
  (void)::sigfillset(&all);
  (void)::posix_spawnattr_setsigdefault(&attributes, &all);
  (void)::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  std::string first = "pausa-tls";
  std::string second = name;
  const std::array<char*, 3> argv{first.data(), name.empty() ? nullptr : second.data(), nullptr};
  char* const no_environment = nullptr;
  pid_t pid = 0;
  const int error =
      ::posix_spawn(&pid, program.c_str(), &files, &attributes, argv.data(), &no_environment);
  (void)::posix_spawn_file_actions_destroy(&files);
  (void)::posix_spawnattr_destroy(&attributes);
  if (error != 0) throw sys::Error(error, "start " + program);
  pidfd_ = sys::open_pidfd(pid);
  (void)::fcntl(ours.get(), F_SETFL, O_NONBLOCK);
  stream_ = std::move(ours);
}

TlsRelay::~TlsRelay() {
  if (!pidfd_) return;
  try {
    (void)sys::send_signal(pidfd_.get(), SIGKILL);
    (void)sys::reap(pidfd_.get());
  } catch (const sys::Error&) {
    // It is gone, and so is who could have told.
  }
}

std::string TlsRelay::failure() const {
  std::array<char, 512> text;
  const ssize_t size = ::read(errors_.get(), text.data(), text.size());
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string();
}

}  // namespace pausa::supervisor
