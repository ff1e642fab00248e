#include "cgroup/limits.hpp"

#include <doctest/doctest.h>

using namespace pausa::cgroup;

namespace {

std::string written(const std::vector<Setting>& settings) {
  std::string text;
  for (const Setting& setting : settings) text += setting.file + "=" + setting.value + ";";
  return text;
}

}  // namespace

TEST_SUITE("limits/unit") {
  TEST_CASE("no limit, no write and no controller") {
    CHECK(settings_v1({}).empty());
    CHECK(settings_v2({}).empty());
    CHECK(needed_for({}).empty());
  }

  TEST_CASE("limits in the words of v1") {
    const Limits limits{
        .memory_bytes = 64 << 20, .cpu_milli = 250, .cpu_shares_milli = 100, .pids = 20};
    CHECK(written(settings_v1(limits)) ==
          "memory.limit_in_bytes=67108864;memory.memsw.limit_in_bytes=67108864;cpu.shares=102;"
          "cpu.cfs_period_us=100000;cpu.cfs_quota_us=25000;pids.max=20;");
    CHECK(needed_for(limits) == std::vector{Controller::cpu, Controller::memory, Controller::pids});
  }

  TEST_CASE("limits in the words of v2") {
    const Limits limits{.memory_bytes = 64 << 20,
                        .cpu_milli = 1500,
                        .cpu_shares_milli = 1000,
                        .pids = 20,
                        .oom_ends_all = true};
    CHECK(written(settings_v2(limits)) ==
          "memory.max=67108864;memory.swap.max=0;memory.oom.group=1;cpu.weight=100;"
          "cpu.max=150000 100000;pids.max=20;");
  }

  TEST_CASE("a limit is taken away again") {
    const Limits none{.memory_bytes = no_limit, .cpu_milli = no_limit, .pids = no_limit};
    CHECK(written(settings_v2(none)) ==
          "memory.max=max;memory.swap.max=max;cpu.max=max 100000;pids.max=max;");
    CHECK(written(settings_v1(none)) ==
          "memory.limit_in_bytes=-1;memory.memsw.limit_in_bytes=-1;cpu.cfs_period_us=100000;"
          "cpu.cfs_quota_us=-1;pids.max=max;");
  }

  TEST_CASE("a quota too small for the kernel is a hundredth of a CPU") {
    CHECK(written(settings_v2({.cpu_milli = 1})) == "cpu.max=1000 100000;");
    CHECK(written(settings_v2({.cpu_milli = 11})) == "cpu.max=1100 100000;");
  }

  TEST_CASE("shares follow the request between the kernel's ends") {
    CHECK(shares_of(0) == 2);
    CHECK(shares_of(1) == 2);
    CHECK(shares_of(1000) == 1024);
    CHECK(shares_of(1'000'000) == 262'144);
    CHECK(shares_of(INT64_MAX) == 262'144);
  }

  TEST_CASE("weights meet shares at least, default and most, and never fall between") {
    CHECK(weight_of(2) == 1);
    CHECK(weight_of(1024) == 100);
    CHECK(weight_of(262'144) == 10'000);
    std::int64_t last = 0;
    for (std::int64_t shares = 0; shares < 270'000; shares += 7) {
      const std::int64_t weight = weight_of(shares);
      REQUIRE(weight >= last);
      REQUIRE(weight >= 1);
      REQUIRE(weight <= 10'000);
      last = weight;
    }
  }
}
