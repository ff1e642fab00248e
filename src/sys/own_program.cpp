#include "sys/own_program.hpp"

#include "sys/error.hpp"
#include "sys/mount.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <linux/memfd.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U  // Linux 6.3
#endif

namespace pausa::sys {
namespace {

constexpr const char* here = "/proc/self/exe";
// "PID PATH" of the process that was executed again. A link to a detached mount has no path.
constexpr const char* variable = "PAUSA_PROGRAM";

std::string linked_path() {
  std::string path(4096, '\0');
  const ssize_t size = check(::readlink(here, path.data(), path.size()), "read ", here);
  path.resize(static_cast<std::size_t>(size));
  return path;
}

// The arguments of our exec, from start to end: fields 48 and 49 of proc_pid_stat(5).
std::pair<std::uintptr_t, std::uintptr_t> argument_range() {
  constexpr int before_start = 45;  // blanks behind the name
  const std::string text = read_file_at(AT_FDCWD, "/proc/self/stat", 4096).value_or("");
  std::size_t at = text.rfind(')');
  for (int blank = 0; blank <= before_start && at != std::string::npos; ++blank)
    at = text.find(' ', at + 1);
  if (at == std::string::npos) return {};
  char* end = nullptr;
  const auto first = std::strtoull(text.c_str() + at, &end, 10);
  return {first, std::strtoull(end, nullptr, 10)};
}

// The link leads to the file by the mount that it was executed through.
bool is_shielded() {
  struct ::statvfs info {};
  if (::statvfs(here, &info) == 0 && (info.f_flag & ST_RDONLY) != 0) return true;
  const UniqueFd file(::open(here, O_RDONLY | O_CLOEXEC));
  const int seals = file ? ::fcntl(file.get(), F_GET_SEALS) : -1;
  return seals >= 0 && (seals & F_SEAL_WRITE) != 0;
}

bool is_ours_to_write(const std::string& path) {
  struct ::stat info {};
  return ::access(path.c_str(), W_OK) == 0 ||
         (::stat(path.c_str(), &info) == 0 && info.st_uid == ::geteuid());
}

UniqueFd read_only_copy(const char* path) {
  UniqueFd copy(
      open_tree(AT_FDCWD, path, static_cast<unsigned>(OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
  if (copy && mount_set(copy.get(), "", AT_EMPTY_PATH, MOUNT_ATTR_RDONLY) < 0) copy.reset();
  return copy;
}

UniqueFd sealed_copy() {
  const UniqueFd file(::open(here, O_RDONLY | O_CLOEXEC));
  struct ::stat info {};
  if (!file || ::fstat(file.get(), &info) < 0) return UniqueFd();
  constexpr unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  UniqueFd copy(::memfd_create("pausa", flags | MFD_EXEC));
  if (!copy) copy = UniqueFd(::memfd_create("pausa", flags));
  off_t at = 0;
  while (copy && at < info.st_size)
    if (::sendfile(copy.get(), file.get(), &at, static_cast<std::size_t>(info.st_size - at)) <= 0)
      copy.reset();
  if (copy && ::fcntl(copy.get(), F_ADD_SEALS,
                      F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
    copy.reset();
  return copy;
}

}  // namespace

std::string own_program() {
  if (const char* told = std::getenv(variable); told != nullptr && is_shielded()) {
    const std::string text = told;
    const auto blank = text.find(' ');
    if (blank != std::string::npos) return text.substr(blank + 1);
  }
  return linked_path();
}

void shield_own_program(char* const* argv) {
  const std::string self = std::to_string(::getpid()) + " ";
  if (const char* told = std::getenv(variable);
      told != nullptr && std::string(told).starts_with(self)) {
    (void)::prctl(PR_SET_NAME, "pausa", 0, 0, 0);  // executed by descriptor: it was a number
    return;
  }
  if (is_shielded()) return;
  const std::string path = linked_path();
  const bool root = ::geteuid() == 0;
  if (!root && !is_ours_to_write(path)) return;
  UniqueFd copy = root ? read_only_copy(path.c_str()) : UniqueFd();
  if (!copy) copy = sealed_copy();
  if (!copy) return;
  (void)::setenv(variable, (self + path).c_str(), 1);
  (void)::syscall(SYS_execveat, copy.get(), "", argv, environ, AT_EMPTY_PATH);
  (void)::unsetenv(variable);
}

void fill_stdio() noexcept {
  for (int fd = 0; fd < 3; ++fd)
    if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) != fd) return;
}

void leave_command() noexcept {
  (void)::setsid();
  sigset_t none;
  (void)::sigemptyset(&none);
  (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < 3; ++fd)
    if (null >= 0) (void)::dup2(null, fd);
  if (null > 2) (void)::close(null);
  (void)!::chdir("/");
}

void name_own_process(const char* name, const std::string& words) noexcept {
  (void)::prctl(PR_SET_NAME, name, 0, 0, 0);
  try {
    const auto [first, end] = argument_range();
    if (first == 0 || end <= first) return;
    // A last byte that is not 0 would have the kernel show the environment as well
    // (setproctitle(3)).
    const std::size_t room = end - first - 1;
    char* const arguments = reinterpret_cast<char*>(first);
    const std::size_t size = std::min(words.size(), room);
    std::memset(arguments + size, 0, room - size + 1);
    std::memcpy(arguments, words.data(), size);
  } catch (const Error&) {
    // It is called as before.
  }
}

UniqueFd open_program(const std::string& path) {
  if (UniqueFd copy = read_only_copy(path.c_str())) return copy;
  return open_at(AT_FDCWD, path, O_PATH);
}

std::string helper_path(const std::string& name) {
  const std::string program = own_program();
  const auto bin = program.rfind('/');
  const auto prefix = program.rfind('/', bin == 0 ? 0 : bin - 1);
  return program.substr(0, prefix) + "/libexec/pausa/" + name;
}

}  // namespace pausa::sys
