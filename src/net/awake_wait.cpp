#include "net/awake_wait.hpp"

#include <utility>

namespace pausa::net {

void AwakeWait::came(Clock::time_point now, bool asleep) {
  const auto gap = now - std::exchange(last_, now);
  const auto since = std::exchange(since_, std::nullopt);
  if (asleep) {
    in_a_row_ = gap < soon ? in_a_row_ + 1 : 0;
    return;
  }
  if (!since) return;
  waited_ += now - *since;
  if (++waits_ < 2 * several) return;
  if (waited_ / waits_ > worth) {
    in_a_row_ = 0;
    not_before_ = now + rest;
  }
  waits_ = 0;
  waited_ = {};
}

bool AwakeWait::goes_on(Clock::time_point now) {
  if (in_a_row_ < several || now < not_before_) return false;
  if (!since_) since_ = now;
  if (now - *since_ <= longest) return true;
  since_.reset();
  in_a_row_ = 0;
  return false;
}

}  // namespace pausa::net
