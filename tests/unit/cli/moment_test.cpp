#include "cli/moment.hpp"

#include <doctest/doctest.h>

using pausa::cli::Moment;
using pausa::cli::parse_moment;
using namespace std::chrono;

TEST_SUITE("cli/unit") {
  const Moment now{seconds(1'700'000'000)};

  TEST_CASE("a duration is that long ago") {
    CHECK(parse_moment("5m", now) == now - minutes(5));
    CHECK(parse_moment("1h30m", now) == now - minutes(90));
    CHECK(parse_moment("250ms", now) == now - milliseconds(250));
    CHECK_FALSE(parse_moment("-5m", now));
  }

  TEST_CASE("a number is seconds since 1970") {
    CHECK(parse_moment("0", now) == Moment{});
    CHECK(parse_moment("1700000000.25", now) == now + milliseconds(250));
    CHECK_FALSE(parse_moment("1.", now));
    CHECK_FALSE(parse_moment("1.2.3", now));
    CHECK_FALSE(parse_moment("99999999999999999999", now));
  }

  TEST_CASE("RFC 3339, with offsets and fractions") {
    CHECK(parse_moment("2023-11-14T22:13:20Z", now) == now);
    CHECK(parse_moment("2023-11-14T22:13:20.000000001Z", now) == now + nanoseconds(1));
    CHECK(parse_moment("2023-11-14t23:13:20+01:00", now) == now);
    CHECK(parse_moment("2023-11-14 21:43:20-00:30", now) == now);
    CHECK(parse_moment("2023-11-14", now) == floor<days>(now));
  }

  TEST_CASE("what is no time is refused, not guessed") {
    for (const char* text :
         {"", "yesterday", "2023-13-01", "2023-02-30", "2023-11-14T22:13", "2023-11-14T25:00:00Z",
          "2023-11-14T22:13:20", "2023-11-14T22:13:20Zjunk", "2023-11-14T22:13:20+1:00", ".5"}) {
      CAPTURE(text);
      CHECK_FALSE(parse_moment(text, now));
    }
  }
}
