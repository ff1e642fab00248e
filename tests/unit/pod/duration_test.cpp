#include "pod/duration.hpp"

#include <doctest/doctest.h>

#include <string_view>

using pausa::pod::parse_duration;

TEST_SUITE("pod/unit") {
  TEST_CASE("a duration is a sum of numbers with units") {
    const std::pair<std::string_view, std::int64_t> cases[] = {
        {"0", 0},
        {"90s", 90'000'000'000},
        {"-3600s", -3'600'000'000'000},
        {"+1h30m", 5'400'000'000'000},
        {"1.5h", 5'400'000'000'000},
        {".5s", 500'000'000},
        {"1m1ms1us1ns", 60'001'001'001},
        {"3\u00B5s", 3'000},
        {"3\u03BCs", 3'000},
        {"1.9999999999s", 1'999'999'999},
        {"9223372036s", 9'223'372'036'000'000'000},
    };
    for (const auto& [text, nanoseconds] : cases) {
      CAPTURE(text);
      const auto duration = parse_duration(text);
      REQUIRE(duration);
      CHECK(duration->count() == nanoseconds);
    }
  }

  TEST_CASE("anything else is no duration") {
    for (const std::string_view text :
         {"", "-", "5", "s", ".s", "1x", "1s ", " 1s", "1 s", "1d", "--1s", "1e3s", "10000000000s",
          "99999999999999999999h", "2562048h"}) {
      CAPTURE(text);
      CHECK_FALSE(parse_duration(text));
    }
  }
}
