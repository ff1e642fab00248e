#include "manifest/resolve.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>

using namespace pausa;
using manifest::resolve_plain;
using Kind = pod::Node::Kind;

TEST_SUITE("manifest/unit") {
  TEST_CASE("plain scalars mean what Kubernetes' tooling takes them for") {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"", "null"},
        {"~", "null"},
        {"null", "null"},
        {"Null", "null"},
        {"nULL", "\"nULL\""},
        {"true", "true"},
        {"False", "false"},
        {"tRUE", "\"tRUE\""},
        {"yes", "true"},
        {"Yes", "true"},
        {"YES", "true"},
        {"on", "true"},
        {"OFF", "false"},
        {"no", "false"},
        {"y", "true"},
        {"N", "false"},
        {"ye", "\"ye\""},
        {"0", "0"},
        {"-0", "0"},
        {"+12", "12"},
        {"0644", "420"},
        {"-0644", "-420"},
        {"0o644", "420"},
        {"0O17", "15"},
        {"0x1F", "31"},
        {"0XfF", "255"},
        {"-0x1f", "-31"},
        {"0b101", "5"},
        {"0B11", "3"},
        {"1_000", "1000"},
        {"8_080", "8080"},
        {"_1", "\"_1\""},
        {"089", "89"},
        {"0x", "\"0x\""},
        {"0b2", "\"0b2\""},
        {"1:30", "\"1:30\""},
        {"1.5", "1.5"},
        {"80.0", "80"},
        {"1e3", "1000"},
        {"1E-2", "0.01"},
        {".5", "0.5"},
        {"5.", "5"},
        {".", "\".\""},
        {"-", "\"-\""},
        {"+", "\"+\""},
        {"--1", "\"--1\""},
        {"1.2.3", "\"1.2.3\""},
        {"10Mi", "\"10Mi\""},
        {"1e", "\"1e\""},
        {"1e999", "\"1e999\""},
        {"1e-999", "0"},
        {"2001-12-14", "\"2001-12-14\""},
        {"=", "\"=\""},
        {"<<", "\"<<\""},
        {"9223372036854775807", "9223372036854775807"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"9223372036854775808", "9223372036854775808"},
        {"0.1", "0.1"},
        {"NaN", "\"NaN\""},
    };
    for (const auto& [text, wanted] : cases) {
      CAPTURE(text);
      CHECK(to_json(resolve_plain(text).node) == wanted);
    }
  }

  TEST_CASE("a whole number is an integer however it is written") {
    CHECK(resolve_plain("80.0").node.kind == Kind::integer);
    CHECK(resolve_plain("1e3").node.kind == Kind::integer);
    CHECK(resolve_plain("1e3").node.text == "1e3");
    CHECK(resolve_plain("1e30").node.kind == Kind::real);
    CHECK(resolve_plain("18446744073709551616").node.kind == Kind::real);
    CHECK(resolve_plain("-9223372036854775809").node.kind == Kind::real);
  }

  TEST_CASE("there is a note exactly where YAML 1.2 reads otherwise") {
    for (const std::string_view text : {"yes", "No", "on", "off", "y", "0644", "-017", "1_000",
                                        "0b1", "-0x1F", "+0o7", "0XF", "1_0.5"}) {
      CAPTURE(text);
      CHECK_FALSE(resolve_plain(text).note.empty());
      CHECK_FALSE(resolve_plain(text).hint.empty());
    }
    for (const std::string_view text : {"true",
                                        "False",
                                        "null",
                                        "~",
                                        "",
                                        "0",
                                        "7",
                                        "07",
                                        "089",
                                        "0o644",
                                        "0x1F",
                                        "-5",
                                        "+5",
                                        "1.5",
                                        "80.0",
                                        "1e3",
                                        ".5",
                                        "text",
                                        "1:30",
                                        "10Mi",
                                        "-0",
                                        "9223372036854775808",
                                        "99999999999999999999"}) {
      CAPTURE(text);
      CHECK(resolve_plain(text).note.empty());
    }
    CHECK(resolve_plain("0644").hint == "0o644 means the same to both");
  }

  TEST_CASE("numbers that JSON lacks are told apart") {
    for (const std::string_view text : {".inf", "-.Inf", "+.INF", ".nan", ".NaN"}) {
      CAPTURE(text);
      CHECK(resolve_plain(text).not_json);
    }
    CHECK_FALSE(resolve_plain("inf").not_json);
  }
}
