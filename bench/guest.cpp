// What runs inside the pods of the benchmark, one static program:
//   guest write BYTES CHUNK    writes lines of 80 bytes to stdout, CHUNK bytes a call
//   guest pause                reaps, and ends on SIGTERM: the infra container for podman
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

namespace {

int write_lines(std::size_t bytes, std::size_t chunk) {
  std::string text(chunk, 'x');
  for (std::size_t at = 79; at < chunk; at += 80) text[at] = '\n';
  for (std::size_t done = 0; done < bytes;) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), chunk);
    if (written <= 0) return 1;
    done += static_cast<std::size_t>(written);
  }
  return 0;
}

int pause_and_reap() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGCHLD}) ::sigaddset(&signals, signal);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  for (int signal = 0; ::sigwait(&signals, &signal) == 0;) {
    if (signal != SIGCHLD) return 0;
    while (::waitpid(-1, nullptr, WNOHANG) > 0) continue;
  }
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "pause") == 0) return pause_and_reap();
  if (argc == 4 && std::strcmp(argv[1], "write") == 0) {
    return write_lines(std::strtoull(argv[2], nullptr, 10), std::strtoull(argv[3], nullptr, 10));
  }
  return 2;
}
