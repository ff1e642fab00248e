// Measures the log's writing end: a child writes 80-byte lines to a pipe at full speed, the loop
// below drains it as the supervisor does (gate, timer, BatchPolicy).
//
//   log_writer DIR MIB BYTES [MODE [PAUSE_US [BATCH_KIB]]]
//
// BYTES: of one write(2), 80 = a write a line. MODE: store (default), copy (read and write), null
// (the child writes to /dev/null), cat (a `cat > file` in our place). Prints seconds and CPU
// seconds of both sides. DIR is emptied of the log when done.
#include "log/batch.hpp"
#include "log/layout.hpp"
#include "log/pipe.hpp"
#include "log/writer.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

using namespace pausa;

namespace {

struct Counts {
  unsigned long drains = 0, waits = 0, timers = 0;
};

[[noreturn]] void write_lines(int fd, std::size_t total, std::size_t size) {
  std::string line(79, 'x');
  line += '\n';
  std::string text;
  while (text.size() < size + 80) text += line;
  std::size_t at = 0;
  for (std::size_t done = 0; done < total;) {
    const ssize_t put = ::write(fd, text.data() + at, size);
    if (put < 0) _exit(1);
    done += static_cast<std::size_t>(put);
    at = done % 80;
  }
  _exit(0);
}

Counts drain_all(log::StreamWriter& writer, int pipe, bool copy, log::BatchPolicy policy) {
  using Clock = std::chrono::steady_clock;
  Counts counts;
  log::Gate gate(pipe);
  const sys::UniqueFd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
  const sys::UniqueFd loop(::epoll_create1(EPOLL_CLOEXEC));
  for (const int fd : {gate.fd(), timer.get()}) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    sys::check(::epoll_ctl(loop.get(), EPOLL_CTL_ADD, fd, &event), "epoll");
  }
  auto last = Clock::now() - std::chrono::hours(1);
  for (;;) {
    epoll_event event{};
    if (::epoll_wait(loop.get(), &event, 1, -1) < 0) continue;
    ++counts.waits;
    gate.shut();
    for (;;) {
      const log::Drained drained = copy ? writer.drain_copy(pipe) : writer.drain(pipe);
      ++counts.drains;
      if (drained.eof) return counts;
      const auto now = Clock::now();
      const auto next =
          policy.next(drained.bytes + drained.dropped, drained.stalled,
                      std::chrono::duration_cast<std::chrono::microseconds>(now - last));
      last = now;
      if (!next) {
        gate.open();
        break;
      }
      if (next->count() == 0) continue;
      ++counts.timers;
      itimerspec spec{};
      spec.it_value.tv_nsec = next->count() * 1000;
      ::timerfd_settime(timer.get(), 0, &spec, nullptr);
      break;
    }
  }
}

double cpu(int who) {
  rusage use{};
  ::getrusage(who, &use);
  return static_cast<double>(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
         static_cast<double>(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 4) {
    std::fprintf(stderr, "usage: log_writer DIR MIB BYTES [store|copy|null|cat [US [KIB]]]\n");
    return 2;
  }
  const auto total = std::stoul(argv[2]) << 20;
  const auto size = std::stoul(argv[3]);
  const std::string mode = argc > 4 ? argv[4] : "store";
  log::BatchPolicy policy;
  if (argc > 5) policy.pause = std::chrono::microseconds(std::stol(argv[5]));
  if (argc > 6) policy.batch_bytes = std::stoul(argv[6]) << 10;
  const sys::UniqueFd dir(sys::check(::open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open"));
  const std::string file = std::string(argv[1]) + "/cat.log";

  const auto begin = std::chrono::steady_clock::now();
  int ends[2];
  sys::check(::pipe2(ends, O_CLOEXEC), "pipe");
  sys::UniqueFd out(ends[0]), in(ends[1]);
  const std::size_t pipe_size = mode == "cat" ? 65536 : log::grow_pipe(out.get());
  const pid_t child = ::fork();
  if (child == 0)
    write_lines(mode == "null" ? ::open("/dev/null", O_WRONLY) : in.get(), total, size);
  in.reset();
  Counts counts;
  if (mode == "cat") {
    if (::fork() == 0) {
      ::dup2(out.get(), 0);
      ::dup2(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 1);
      ::execlp("cat", "cat", nullptr);
      _exit(1);
    }
  } else if (mode != "null") {
    log::StreamWriter writer(dir.get(), log::Stream::out);
    counts = drain_all(writer, out.get(), mode == "copy", policy);
  }
  out.reset();
  while (::wait(nullptr) > 0) {}
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  std::printf(
      "%-5s %5zu B  %.3f s  cpu child %.3f self %.3f  drains %lu waits %lu timers %lu  %zu\n",
      mode.c_str(), size, wall.count(), cpu(RUSAGE_CHILDREN), cpu(RUSAGE_SELF), counts.drains,
      counts.waits, counts.timers, pipe_size);
  log::remove_segments_below(dir.get(), log::Stream::out, ~std::uint64_t{0});
  (void)::unlink(file.c_str());
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "log_writer: %s\n", error.what());
  return 1;
}
