// Whether a loop waits awake for what comes next. Who is woken on an idle CPU comes 20 to 40 us
// late in a virtual machine, four times in each round trip through a forwarder (measured: 147 us,
// 72 when awake). So where several events have come soon one after the other, the next is waited
// for awake: not for long, and not for a while when the waiting is long compared to what it saves.
// Private to the room; a decision only.
#pragma once

#include <chrono>
#include <optional>

namespace pausa::net {

class AwakeWait {
 public:
  using Clock = std::chrono::steady_clock;

  static constexpr int several = 8;
  static constexpr std::chrono::microseconds soon{120};     // after another, with sleep in between
  static constexpr std::chrono::microseconds longest{100};  // then it sleeps
  static constexpr std::chrono::microseconds worth{40};     // mean of several that were not in vain
  static constexpr std::chrono::milliseconds rest{20};      // where they were longer

  // Events came, which were waited for asleep or awake.
  void came(Clock::time_point now, bool asleep);
  // None has come yet: whether to look again, or to sleep.
  bool goes_on(Clock::time_point now);

 private:
  Clock::time_point last_{};
  Clock::time_point not_before_{};
  std::optional<Clock::time_point> since_;  // it waits awake
  int in_a_row_ = 0;
  int waits_ = 0;
  Clock::duration waited_{};
};

}  // namespace pausa::net
