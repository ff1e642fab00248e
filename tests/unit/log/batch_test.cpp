#include "log/batch.hpp"

#include <doctest/doctest.h>

using pausa::log::BatchPolicy;
using std::chrono::microseconds;

TEST_SUITE("log/unit") {
  TEST_CASE("a quiet stream is served at each line and never waits for a timer") {
    BatchPolicy policy;
    CHECK_FALSE(policy.next(80, false, microseconds(1'000'000)));
    CHECK_FALSE(policy.next(80, false, microseconds(5'000)));
    CHECK_FALSE(policy.hot());
  }

  TEST_CASE("lines in quick succession make a stream hot until a batch is empty") {
    BatchPolicy policy;
    CHECK_FALSE(policy.next(80, false, microseconds(1'000'000)));
    CHECK(policy.next(80, false, microseconds(100)) == policy.pause);
    CHECK(policy.next(400, false, microseconds(1'000)) == policy.pause);
    CHECK(policy.hot());
    CHECK_FALSE(policy.next(0, false, microseconds(1'000)));
    CHECK_FALSE(policy.next(80, false, microseconds(1'000'000)));
  }

  TEST_CASE("a fast stream gets a pause in which its pipe cannot fill up, or none") {
    BatchPolicy policy;
    CHECK(policy.next(64 * 1024, false, microseconds(1'000'000)) == policy.pause);
    CHECK(policy.next(policy.batch_bytes * 2, false, microseconds(1'000)) == microseconds(500));
    CHECK(policy.next(policy.batch_bytes * 2, false, microseconds(150)) == microseconds(0));
  }

  TEST_CASE("a stream whose storage refuses is tried again on a timer, without spinning") {
    BatchPolicy policy;
    CHECK(policy.next(0, true, microseconds(1'000'000)) == policy.retry);
    CHECK(policy.next(100'000, true, microseconds(10)) == policy.retry);
  }
}
