// When to drain a pipe again: the policy of the loop that owns the pipe, as a value without a
// clock or a system call. Measured with bench/log_writer.cpp.
//
// A pipe that is drained at each line costs a page, a wake-up and a write a line. Left alone for a
// millisecond, the kernel merges the lines into shared pages (pipe(7), since Linux 5.5 each write
// that fits goes to the last page) and one splice moves them all. A quiet stream must not wait.
//
//   on readable:   gate.shut(); drain; policy.next(…)
//   on the timer:  drain; policy.next(…)
//   next() says:   nothing: gate.open() and wait · zero: drain again now · else: set the timer
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>

namespace pausa::log {

struct BatchPolicy {
  using Duration = std::chrono::microseconds;

  std::size_t batch_bytes = std::size_t{128}
                            << 10;  // of a fast stream: its pipe must not fill up in a pause
  Duration pause{1000};             // between two batches of a hot stream
  Duration shortest{100};           // a shorter pause is not worth its timer
  Duration calm{2000};              // two wake-ups closer than this: the stream is hot
  Duration retry{100'000};          // when the storage refuses and bytes stay in the pipe

  // drained: bytes that left the pipe just now; stalled: Drained::stalled; since_last: time since
  // the drain before this one.
  std::optional<Duration> next(std::size_t drained, bool stalled, Duration since_last) noexcept {
    if (stalled) return retry;
    if (drained == 0) {
      hot_ = false;
      return std::nullopt;
    }
    if (!hot_ && since_last > calm && drained < page) return std::nullopt;
    hot_ = true;
    // At this speed a batch has gathered after:
    const double micros = static_cast<double>(since_last.count()) *
                          static_cast<double>(batch_bytes) / static_cast<double>(drained);
    if (micros < static_cast<double>(shortest.count())) return Duration{0};
    return std::min(pause, Duration{static_cast<Duration::rep>(std::min(micros, 1e9))});
  }
  bool hot() const noexcept { return hot_; }

 private:
  static constexpr std::size_t page = 4096;
  bool hot_ = false;
};

}  // namespace pausa::log
