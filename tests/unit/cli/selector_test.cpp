#include "cli/selector.hpp"

#include "cli/command.hpp"

#include <doctest/doctest.h>

using pausa::cli::Selector;
using pausa::cli::UsageError;

namespace {

const pausa::pod::KeyValues labels{{"tier", "front"}, {"app.io/name", "shop"}, {"empty", ""}};

bool matches(const char* text) {
  return Selector(text).matches(labels);
}

}  // namespace

TEST_SUITE("cli/unit") {
  TEST_CASE("a selector compares values") {
    CHECK(matches("tier=front"));
    CHECK(matches("tier == front"));
    CHECK_FALSE(matches("tier=back"));
    CHECK(matches("tier!=back"));
    CHECK_FALSE(matches("tier!=front"));
    CHECK(matches("app.io/name=shop"));
    CHECK(matches("empty="));
  }

  TEST_CASE("an absent label differs from every value") {
    CHECK(matches("none!=x"));
    CHECK(matches("none notin (a, b)"));
    CHECK_FALSE(matches("none=x"));
    CHECK_FALSE(matches("none="));
  }

  TEST_CASE("a selector asks for presence and for sets") {
    CHECK(matches("tier"));
    CHECK_FALSE(matches("none"));
    CHECK(matches("!none"));
    CHECK_FALSE(matches("!tier"));
    CHECK(matches("tier in (back, front)"));
    CHECK_FALSE(matches("tier in (back)"));
    CHECK_FALSE(matches("tier notin (front,back)"));
  }

  TEST_CASE("all requirements must hold") {
    CHECK(matches("tier in (a,front),!none,app.io/name=shop"));
    CHECK_FALSE(matches("tier=front,none"));
  }

  TEST_CASE("what is no selector is refused") {
    for (const char* text : {"", ",", "=x", "a b", "a in b", "a within (b)", "in (b)", "a in (b",
                             "!", "tier=front,"}) {
      CAPTURE(text);
      CHECK_THROWS_AS(Selector{text}, UsageError);
    }
  }
}
