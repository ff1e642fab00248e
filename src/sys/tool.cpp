#include "sys/tool.hpp"

#include "sys/error.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <tuple>

namespace pausa::sys {
namespace {

constexpr std::size_t most_output = std::size_t{16} << 20U;
constexpr std::size_t most_errors = std::size_t{64} << 10U;

struct Actions {
  Actions() { ::posix_spawn_file_actions_init(&value); }
  ~Actions() { ::posix_spawn_file_actions_destroy(&value); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  posix_spawn_file_actions_t value{};
};

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
  Actions actions;
  std::vector<UniqueFd> copies;  // out of the way of the numbers that are asked for
  constexpr int beyond = 64;
  for (const auto& [ours, theirs] : request.descriptors) {
    copies.emplace_back(check(::fcntl(ours, F_DUPFD_CLOEXEC, beyond), "copy a descriptor"));
    ::posix_spawn_file_actions_adddup2(&actions.value, copies.back().get(), theirs);
  }
  const auto given = [&request](int number) {
    for (const auto& [ours, theirs] : request.descriptors)
      if (theirs == number) return true;
    return false;
  };
  if (!given(0)) ::posix_spawn_file_actions_addopen(&actions.value, 0, "/dev/null", O_RDONLY, 0);
  UniqueFd writes_output;
  UniqueFd writes_errors;
  if (request.hear_output) {
    std::tie(output_, writes_output) = make_pipe();
    ::posix_spawn_file_actions_adddup2(&actions.value, writes_output.get(), 1);
  } else if (!given(1)) {
    ::posix_spawn_file_actions_addopen(&actions.value, 1, "/dev/null", O_WRONLY, 0);
  }
  if (request.hear_errors) {
    std::tie(errors_, writes_errors) = make_pipe();
    ::posix_spawn_file_actions_adddup2(&actions.value, writes_errors.get(), 2);
  }
  auto arguments = request.arguments;
  auto environment = request.environment;
  const int refused = ::posix_spawn(&pid_, request.program.c_str(), &actions.value, nullptr,
                                    pointers_to(arguments).data(), pointers_to(environment).data());
  if (refused != 0) {
    pid_ = -1;
    throw Error(refused, "execute " + request.program);
  }
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

Tool::Result Tool::wait() {
  Result result;
  while (output_ || errors_) {
    std::array<pollfd, 2> ready{
        {{output_ ? output_.get() : -1, POLLIN, 0}, {errors_ ? errors_.get() : -1, POLLIN, 0}}};
    if (::poll(ready.data(), ready.size(), -1) < 0) {
      if (errno == EINTR) continue;
      check(-1, "wait for a program's words");
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

std::string find_tool(const std::string& name) {
  for (const char* folder : {"/usr/bin/", "/bin/", "/usr/sbin/", "/usr/local/bin/"}) {
    std::string path = folder + name;
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return {};
}

}  // namespace pausa::sys
