#include "net/awake_wait.hpp"

#include <utility>

namespace pausa::net {

void AwakeWait::came(Clock::time_point now, bool asleep) {
  const auto gap = now - std::exchange(last_, now);
  if (asleep) {
    in_a_row_ = gap < soon ? in_a_row_ + 1 : 0;
    return;
  }
  if (in_a_row_ < several) return;
  waited_ += gap;
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
  if (now - last_ <= longest) return true;
  in_a_row_ = 0;
  return false;
}

}  // namespace pausa::net
