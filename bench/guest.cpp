// What runs inside the pods of the benchmark, one static program:
//   guest write BYTES CHUNK    writes lines of 80 bytes to stdout, CHUNK bytes a call
//   guest serve PORT MS FILE   takes connections from after MS milliseconds on, and writes into the
//                              file since when (microseconds since 1970)
//   guest pause                reaps, and ends on SIGTERM: the infra container for podman
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
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

int serve(std::uint16_t port, unsigned delay_ms, const char* file) {
  ::usleep(delay_ms * 1000);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 ||
      ::listen(listener, 16) < 0)
    return 1;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const std::string text = std::to_string(now.tv_sec * 1'000'000 + now.tv_nsec / 1000);
  const int since = ::open(file, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (::write(since, text.data(), text.size()) < 0) return 1;
  for (;;) ::close(::accept(listener, nullptr, nullptr));
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
  if (argc == 5 && std::strcmp(argv[1], "serve") == 0)
    return serve(static_cast<std::uint16_t>(std::atoi(argv[2])),
                 static_cast<unsigned>(std::atoi(argv[3])), argv[4]);
  return 2;
}
