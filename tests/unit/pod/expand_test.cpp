#include "pod/expand.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>

using namespace pausa::pod;

TEST_SUITE("pod/unit") {
  TEST_CASE("$(VAR) is expanded as in Kubernetes") {
    const KeyValues variables = {{"A", "1"}, {"B", "$(A)"}, {"EMPTY", ""}, {"a.b-c", "odd"}};
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"$(A)", "1"},
        {"x$(A)y$(A)", "x1y1"},
        {"$(B)", "$(A)"},  // not again
        {"$(EMPTY)", ""},
        {"$(a.b-c)", "odd"},
        {"$(NONE)", "$(NONE)"},
        {"$()", "$()"},
        {"$$(A)", "$(A)"},
        {"$$$(A)", "$1"},
        {"$$$$(A)", "$$(A)"},
        {"$$", "$"},
        {"$", "$"},
        {"a$", "a$"},
        {"$A", "$A"},
        {"$(A", "$(A"},
        {"$(A$(A)", "$(A$(A)"},  // the name is "A$(A"
        {"$((A))", "$((A))"},
        {"$ (A)", "$ (A)"},
        {"$)$(A)", "$)1"},
    };
    for (const auto& [text, wanted] : cases) {
      CAPTURE(text);
      CHECK(expand(text, variables) == std::string(wanted));
    }
  }

  TEST_CASE("an env value sees the variables above it, command and args see all") {
    Container container;
    container.env = {
        {"A", "$(B)"}, {"B", "b"}, {"C", "$(A)/$(B)"}, {"D", "$(D)"}, {"PATH", "$(PATH):/x"}};
    container.command = {"run", "$(C)"};
    container.args = {"$(B)", "$$(B)"};
    const Expanded out = expand_container(container);
    CHECK_FALSE(out.fault);
    CHECK(out.env ==
          KeyValues{
              {"A", "$(B)"}, {"B", "b"}, {"C", "$(B)/b"}, {"D", "$(D)"}, {"PATH", "$(PATH):/x"}});
    CHECK(out.command == std::vector<std::string>{"run", "$(B)/b"});
    CHECK(out.args == std::vector<std::string>{"b", "$(B)"});
  }

  TEST_CASE("of two variables of one name the later counts, and sees the earlier") {
    Container container;
    container.env = {{"A", "1"}, {"B", "$(A)"}, {"A", "$(A)2"}};
    CHECK(expand_container(container).env == KeyValues{{"A", "12"}, {"B", "1"}});
  }

  TEST_CASE("what grows beyond execve's limit is a fault that names it") {
    Container container;
    container.env = {{"A0", std::string(1000, 'x')}};
    for (int i = 1; i < 6; ++i) {
      const std::string before = "$(A" + std::to_string(i - 1) + ")";
      std::string value;
      for (int j = 0; j < 10; ++j) value += before;
      container.env.push_back({"A" + std::to_string(i), value});
    }
    const Expanded out = expand_container(container);
    REQUIRE(out.fault);
    CHECK(*out.fault == "env \"A3\" is longer than 131071 bytes after expansion");
    container.env.resize(1);
    container.args = {"ok"};
    std::string big;
    for (int j = 0; j < 132; ++j) big += "$(A0)";
    container.args.push_back(big);
    REQUIRE(expand_container(container).fault);
    CHECK(expand_container(container).fault->starts_with("args[1] is longer"));
  }

  TEST_CASE("the limit is exact") {
    const KeyValues variables = {{"A", "aaaa"}};
    CHECK(expand("$(A)b", variables, 5) == "aaaab");
    CHECK_FALSE(expand("$(A)b", variables, 4));
  }
}
