// stopwatch COMMAND…: runs it and prints "WALL CPU" in microseconds; its exit code is the
// command's. Starting it costs one vfork, so that commands of a millisecond can be told apart. CPU
// is what the control groups named in STOPWATCH_CPU (usage files, separated by blanks) were charged
// meanwhile: that counts daemons and helpers, which a process' own account does not. The command's
// output goes to the file STOPWATCH_OUTPUT.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

namespace {

double now_us() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

// cpuacct.usage (v1) holds nanoseconds, cpu.stat (v2) a line "usage_usec N". A group that is not
// there (yet) has used nothing.
double cpu_us() {
  const char* files = std::getenv("STOPWATCH_CPU");
  std::istringstream names(files != nullptr ? files : "");
  double sum = 0;
  for (std::string name; names >> name;) {
    std::ifstream file(name);
    std::string word;
    if (!(file >> word)) continue;
    double value = 0;
    if (word == "usage_usec") {
      file >> value;
    } else {
      value = std::strtod(word.c_str(), nullptr) / 1e3;
    }
    sum += value;
  }
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const char* output = std::getenv("STOPWATCH_OUTPUT");
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 1, output != nullptr ? output : "/dev/null",
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::posix_spawn_file_actions_adddup2(&actions, 1, 2);

  const double cpu_before = cpu_us();
  const double begin = now_us();
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, argv[1], &actions, nullptr, argv + 1, environ);
  if (error != 0) {
    std::fprintf(stderr, "stopwatch: %s: %s\n", argv[1], std::strerror(error));
    return 127;
  }
  int status = 0;
  (void)::waitpid(pid, &status, 0);
  const double end = now_us();
  std::printf("%.0f %.0f\n", end - begin, cpu_us() - cpu_before);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
