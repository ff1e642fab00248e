// Work that changes who or where the process is for good, done by a child that ends with it.
#pragma once

#include "sys/error.hpp"
#include "sys/fd.hpp"
#include "sys/process.hpp"
#include "sys/socket.hpp"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <exception>
#include <string>
#include <type_traits>
#include <utility>

namespace pausa::supervisor {

// A child of ours, reaped in any case.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  ~Child() {
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {}
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

 private:
  pid_t pid_;
};

inline constexpr std::size_t most_report = 4096;

// In the child: does the work at once and reports how it went, with the text that it may return.
template <typename Work>
[[noreturn]] void report_and_end(const sys::UniqueFd& socket, Work work) {
  std::string text(1, '\0');
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<Work>>)
      work();
    else
      text += work();
  } catch (const std::exception& error) {
    text = error.what();
  }
  (void)sys::send_packet(socket.get(), text.data(), std::min(text.size(), most_report));
  ::_exit(0);
}

// In the parent: throws what the work threw, gives what it returned.
inline std::string hear_report(const sys::UniqueFd& socket, const char* what) {
  std::array<char, most_report> text{};
  int none = -1;
  long size;
  do size = sys::receive_packet(socket.get(), text.data(), text.size(), none);
  while (size < 0 && errno == EINTR);
  if (size <= 0) throw sys::Error(std::string(what) + ": its helper died");
  const std::string words(text.data(), static_cast<std::size_t>(size));
  if (words.front() != '\0') throw sys::Error(words);
  return words.substr(1);
}

// Has it done by a child, and waits for that. what: "make the bridge".
template <typename Work>
std::string do_in_child(const char* what, Work work) {
  auto [ours, theirs] = sys::socket_pair(SOCK_SEQPACKET);
  const pid_t pid = sys::check(::fork(), "start a process to ", what);
  if (pid == 0) {
    ours.reset();
    report_and_end(theirs, std::move(work));
  }
  const Child reaped(pid);
  theirs.reset();
  return hear_report(ours, what);
}

}  // namespace pausa::supervisor
