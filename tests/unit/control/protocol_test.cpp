#include "control/protocol.hpp"

#include <doctest/doctest.h>

using namespace pausa::control;

TEST_SUITE("control/protocol") {
  TEST_CASE("a request comes back as it was") {
    const Request request{Op::restart, "web", 1500, "{\"a\":1}", {"one", "two"}};
    const auto decoded = decode_request(encode(request));
    REQUIRE(decoded);
    CHECK(decoded->op == Op::restart);
    CHECK(decoded->container == "web");
    CHECK(decoded->grace_ms == 1500);
    CHECK(decoded->object == "{\"a\":1}");
    CHECK(decoded->images == std::vector<std::string>{"one", "two"});
  }
  TEST_CASE("a reply keeps its error") {
    const auto decoded = decode_reply(encode(Reply{false, "no such \"container\"\n"}));
    REQUIRE(decoded);
    CHECK_FALSE(decoded->ok);
    CHECK(decoded->error == "no such \"container\"\n");
  }
  TEST_CASE("what is no request is refused") {
    for (const char* packet :
         {"", "{", "[]", "{}", "{\"op\":1}", "{\"op\":\"format\"}",
          "{\"op\":\"stop\",\"graceMs\":-1}", "{\"op\":\"stop\",\"graceMs\":\"1\"}",
          "{\"op\":\"restart\",\"container\":7}", "{\"op\":\"update\",\"images\":[1]}"})
      CHECK_FALSE(decode_request(packet));
  }
}
