#include "net/awake_wait.hpp"

#include <doctest/doctest.h>

using namespace pausa;
using namespace std::chrono_literals;

namespace {

using Time = net::AwakeWait::Clock::time_point;

// Wakes it so often that it waits awake.
Time rouse(net::AwakeWait& wait, Time now) {
  for (int i = 0; i <= net::AwakeWait::several; ++i) wait.came(now += 60us, true);
  return now;
}

}  // namespace

TEST_SUITE_BEGIN("net/awake_wait");

TEST_CASE("it is awake after several events that came soon one after the other") {
  net::AwakeWait wait;
  Time now{1h};
  for (int i = 0; i <= net::AwakeWait::several; ++i) {
    CHECK_FALSE(wait.goes_on(now));
    wait.came(now += 60us, true);
  }
  CHECK(wait.goes_on(now + 10us));
}

TEST_CASE("events that come seldom leave it asleep") {
  net::AwakeWait wait;
  Time now{1h};
  for (int i = 0; i < 100; ++i) wait.came(now += 200us, true);
  CHECK_FALSE(wait.goes_on(now));
}

TEST_CASE("it waits in vain only once") {
  net::AwakeWait wait;
  const Time now = rouse(wait, Time{1h});
  CHECK(wait.goes_on(now));
  CHECK(wait.goes_on(now + 100us));
  CHECK_FALSE(wait.goes_on(now + 101us));
  CHECK_FALSE(wait.goes_on(now + 102us));
}

TEST_CASE("where most of the time is spent waiting it rests for a while") {
  net::AwakeWait wait;
  Time now = rouse(wait, Time{1h});
  int events = 0;
  while (wait.goes_on(now + 1us) && events < 100) {
    wait.came(now += 70us, false);
    ++events;
  }
  CHECK(events == 16);
  now = rouse(wait, now);
  CHECK_FALSE(wait.goes_on(now));
  CHECK(wait.goes_on(rouse(wait, now + net::AwakeWait::rest)));
}

TEST_CASE("where the next comes at once it goes on for as long as that lasts") {
  net::AwakeWait wait;
  Time now = rouse(wait, Time{1h});
  for (int i = 0; i < 1000; ++i) {
    CHECK(wait.goes_on(now + 1us));
    wait.came(now += 20us, false);
  }
}

TEST_SUITE_END();
