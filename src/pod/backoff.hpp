// The kubelet's restart back-off: the first restart is immediate, the next waits `initial`, each
// further one doubles up to `maximum`; a run of at least `reset_after` starts over. Pure values.
#pragma once

#include <chrono>
#include <cstdint>

namespace pausa::pod {

using Duration = std::chrono::nanoseconds;
// A point on CLOCK_BOOTTIME (time_namespaces(7)): not moved by clock changes, goes on in suspend.
using Time = std::chrono::nanoseconds;

struct BackoffPolicy {
  Duration initial = std::chrono::seconds(10);
  Duration maximum = std::chrono::minutes(5);
  Duration reset_after = std::chrono::minutes(10);
};

struct Backoff {
  Duration next{0};  // what the next restart waits

  // The container ran for `ran` and is to be restarted: how long to wait first.
  Duration advance(const BackoffPolicy& policy, Duration ran) {
    if (ran >= policy.reset_after) next = Duration{0};
    const Duration wait = next;
    next = next.count() == 0 ? policy.initial : next * 2;
    if (next > policy.maximum) next = policy.maximum;
    return wait;
  }
};

}  // namespace pausa::pod
