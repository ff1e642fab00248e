#include "sys/tool.hpp"

#include "sys/error.hpp"
#include "sys/path.hpp"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <tuple>

namespace pausa::sys {
namespace {

constexpr std::size_t most_output = std::size_t{16} << 20U;
constexpr std::size_t most_errors = std::size_t{64} << 10U;

// What a new process does until it is another program. It is born by vfork(2), so its memory is
// that of its parent, which waits meanwhile: system calls only.
struct Execution {
  const char* program;
  char* const* arguments;
  char* const* environment;
  const std::pair<int, int>* moves;  // from, to; sorted by the latter
  std::size_t move_count;
  pid_t parent;
  volatile int error = 0;  // written by the child

  static void close_from(int first, int last) noexcept {
    (void)::close_range(static_cast<unsigned>(first), static_cast<unsigned>(last), 0);
  }

  [[noreturn]] void fail() noexcept {
    error = errno != 0 ? errno : ECHILD;
    ::_exit(127);
  }

  [[noreturn]] void run() noexcept {
    for (int number = 1; number < NSIG; ++number) (void)::signal(number, SIG_DFL);
    sigset_t none;
    (void)::sigemptyset(&none);
    (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
    bool ready = ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && ::getppid() == parent;
    for (std::size_t i = 0; ready && i < move_count; ++i)
      ready = ::dup2(moves[i].first, moves[i].second) >= 0;
    if (!ready) fail();
    int next = 0;
    for (std::size_t i = 0; i < move_count; ++i) {
      const int kept = moves[i].second;
      if (kept > next) close_from(next, kept - 1);
      next = kept + 1;
    }
    close_from(next, INT_MAX);
    (void)::execve(program, arguments, environment);
    fail();
  }
};

// In a frame of its own, which the child cannot spoil for us; and no handler of ours runs in it.
[[gnu::noinline]] pid_t bear(Execution& execution) {
  sigset_t all;
  sigset_t ours;
  (void)::sigfillset(&all);
  (void)::sigprocmask(SIG_SETMASK, &all, &ours);
  const pid_t pid = ::vfork();
  if (pid == 0) execution.run();
  const int error = errno;
  (void)::sigprocmask(SIG_SETMASK, &ours, nullptr);
  errno = error;
  return pid;
}

std::pair<UniqueFd, UniqueFd> make_pipe() {
  int ends[2];
  check(::pipe2(ends, O_CLOEXEC), "make a pipe");
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// What a process has read and written so far (proc(5), /proc/PID/io); 0: that cannot be read.
// Others than root may read it of who is dumpable only, which a process is not while execve(2)
// replaces its memory; the end of vfork(2) comes before that.
std::uint64_t bytes_moved(pid_t pid) {
  const UniqueFd file(
      ::open(("/proc/" + std::to_string(pid) + "/io").c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 512> bytes;
  const ssize_t size = file ? ::read(file.get(), bytes.data(), bytes.size()) : -1;
  const std::string text(bytes.data(), static_cast<std::size_t>(std::max(size, ssize_t{0})));
  std::uint64_t moved = 0;
  for (const std::string_view key : {"rchar: ", "wchar: "})
    if (const auto at = text.find(key); at != std::string::npos)
      moved += std::strtoull(text.c_str() + at + key.size(), nullptr, 10);
  return moved;
}

// False at the end of the stream. What is too much is read and dropped: nobody waits for a pipe.
bool hear(int fd, std::string& words, std::size_t most) {
  std::array<char, 4096> buffer;
  const ssize_t got = ::read(fd, buffer.data(), buffer.size());
  if (got < 0) return errno == EINTR;
  const auto count = std::min(static_cast<std::size_t>(got), most - words.size());
  words.append(buffer.data(), count);
  return got > 0;
}

}  // namespace

Tool::Tool(const ToolRequest& request) {
  const UniqueFd null = open_at(AT_FDCWD, "/dev/null", O_RDWR);
  UniqueFd writes_output;
  UniqueFd writes_errors;
  std::array<int, 3> ends{null.get(), null.get(), STDERR_FILENO};
  if (request.hear_output) {
    std::tie(output_, writes_output) = make_pipe();
    ends[1] = writes_output.get();
  }
  if (request.hear_errors) {
    std::tie(errors_, writes_errors) = make_pipe();
    ends[2] = writes_errors.get();
  }
  auto given = request.descriptors;
  for (int number = 0; number < 3; ++number) {
    const bool named = std::any_of(given.begin(), given.end(),
                                   [number](const auto& pair) { return pair.second == number; });
    const int end = ends[static_cast<std::size_t>(number)];
    if (!named) given.emplace_back(end, number);
  }
  std::sort(given.begin(), given.end(),
            [](const auto& a, const auto& b) { return a.second < b.second; });
  std::vector<UniqueFd> copies;  // out of the way of the numbers that are asked for
  constexpr int beyond = 64;
  for (auto& [ours, theirs] : given) {
    copies.emplace_back(check(::fcntl(ours, F_DUPFD_CLOEXEC, beyond), "copy a descriptor"));
    ours = copies.back().get();
  }
  auto arguments = request.arguments;
  auto environment = request.environment;
  const auto argv = pointers_to(arguments);
  const auto envp = pointers_to(environment);
  Execution execution{
      request.program.c_str(), argv.data(), envp.data(), given.data(), given.size(), ::getpid()};
  pid_ = check(bear(execution), "start ", request.program);
  if (execution.error == 0) return;
  (void)::waitpid(pid_, nullptr, 0);
  pid_ = -1;
  throw Error(execution.error, "execute " + request.program);
}

Tool::Tool(Tool&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      output_(std::move(other.output_)),
      errors_(std::move(other.errors_)) {}

Tool::~Tool() {
  if (pid_ < 0) return;
  // Ours and not reaped yet, so the number is still its own.
  (void)::kill(pid_, SIGKILL);
  (void)::waitpid(pid_, nullptr, 0);
}

Tool::Result Tool::wait(int idle) {
  Result result;
  constexpr int looks = 4;  // for each time that it may be idle
  int unchanged = 0;
  constexpr std::uint64_t least_bytes = 512;  // fewer are threads that wake each other
  std::uint64_t moved = idle > 0 ? bytes_moved(pid_) : 0;
  while (output_ || errors_) {
    std::array<pollfd, 2> ready{
        {{output_ ? output_.get() : -1, POLLIN, 0}, {errors_ ? errors_.get() : -1, POLLIN, 0}}};
    const int heard = ::poll(ready.data(), ready.size(), idle > 0 ? idle * 1000 / looks : -1);
    if (heard < 0) {
      if (errno == EINTR) continue;
      check(-1, "wait for a program's words");
    }
    if (heard == 0) {
      const std::uint64_t now = bytes_moved(pid_);
      unchanged = now < moved + least_bytes ? unchanged + 1 : 0;
      moved = now;
      if (unchanged == looks) throw Stalled("nothing has come for " + std::to_string(idle) + " s");
      continue;
    }
    if (ready[0].revents != 0 && !hear(output_.get(), result.output, most_output)) output_.reset();
    if (ready[1].revents != 0 && !hear(errors_.get(), result.errors, most_errors)) errors_.reset();
  }
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0)
    if (errno != EINTR) check(-1, "wait for a program");
  pid_ = -1;
  if (result.output.size() == most_output) throw Error("a program prints without end");
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

std::string Tool::errors_so_far() const {
  std::array<char, 512> text;
  pollfd ready{errors_.get(), POLLIN, 0};
  if (::poll(&ready, 1, 0) <= 0) return {};
  const ssize_t size = ::read(errors_.get(), text.data(), text.size());
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string();
}

std::string find_tool(const std::string& name) {
  for (const char* folder : {"/usr/bin/", "/bin/", "/usr/sbin/", "/usr/local/bin/"}) {
    std::string path = folder + name;
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return {};
}

void die_with(pid_t parent) {
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (::getppid() != parent) (void)::raise(SIGKILL);
}

void close_all_but(std::vector<int> kept) {
  std::sort(kept.begin(), kept.end());
  unsigned first = STDERR_FILENO + 1;
  for (const int fd : kept) {
    const auto number = static_cast<unsigned>(fd);
    if (fd < 0 || number < first) continue;
    if (number > first) (void)::close_range(first, number - 1, 0);
    first = number + 1;
  }
  (void)::close_range(first, ~0U, 0);
}

}  // namespace pausa::sys
