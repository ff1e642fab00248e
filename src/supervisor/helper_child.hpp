// Work that changes who or where the process is for good, done by a child that ends with it.
#pragma once

#include "sys/error.hpp"
#include "sys/fd.hpp"
#include "sys/process.hpp"
#include "sys/socket.hpp"
#include "sys/tool.hpp"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

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

  // Not reaped yet, so its pid is its own; for a pidfd there may be no descriptor left.
  void kill() const noexcept { (void)::kill(pid_, SIGKILL); }

 private:
  pid_t pid_;
};

inline constexpr std::size_t most_report = 4096;
// Rules for very many pods take nft(8) a while; nothing else comes near.
inline constexpr std::chrono::seconds usual_patience(120);

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

// In the parent: throws what the work threw, gives what it returned. Who says nothing for that long
// is killed.
inline std::string hear_report(const sys::UniqueFd& socket, const Child& child, const char* what,
                               std::chrono::milliseconds patience = usual_patience) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + patience;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    pollfd ready{socket.get(), POLLIN, 0};
    const int heard = ::poll(&ready, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (heard > 0) break;
    if (heard < 0 && errno == EINTR) continue;
    child.kill();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(patience).count();
    throw sys::Error(std::string(what) + ": its helper had not done it after " +
                     std::to_string(seconds) + " s, and was ended");
  }
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

// What a child's work needs of our descriptors; nullopt: all. Copies of the others would stay open
// as long as it works, whatever becomes of us: a pod's lock, sockets that listen.
using Needed = std::optional<std::vector<int>>;

// Has it done by a child, and waits for that, for so long at most. what: "make the bridge".
template <typename Work>
std::string do_in_child(const char* what, Needed needed, Work work,
                        std::chrono::milliseconds patience = usual_patience) {
  auto [ours, theirs] = sys::socket_pair(SOCK_SEQPACKET);
  const pid_t parent = ::getpid();
  const pid_t pid = sys::check(::fork(), "start a process to ", what);
  if (pid == 0) {
    ours.reset();
    report_and_end(theirs, [&] {
      if (needed) {
        needed->push_back(theirs.get());
        sys::close_all_but(std::move(*needed));
      }
      sys::die_with(parent);
      return work();
    });
  }
  const Child child(pid);
  theirs.reset();
  return hear_report(ours, child, what, patience);
}

}  // namespace pausa::supervisor
