#include "pod/quantity.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <utility>

using pausa::pod::parse_quantity;
using pausa::pod::Quantity;

namespace {

std::string canonical(std::string_view text) {
  const auto quantity = parse_quantity(text);
  return quantity ? quantity->canonical() : "no quantity";
}

}  // namespace

TEST_SUITE("pod/unit") {
  TEST_CASE("a quantity prints in its canonical form") {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"0", "0"},          {"0n", "0"},        {"0Ki", "0"},
        {"0e7", "0"},        {"1", "1"},         {"100m", "100m"},
        {"1000m", "1"},      {"1.5", "1500m"},   {"0.1", "100m"},
        {"1500", "1500"},    {"1000", "1k"},     {"12000", "12k"},
        {"1Ki", "1Ki"},      {"1024Ki", "1Mi"},  {"1.5Gi", "1536Mi"},
        {"0.5Mi", "512Ki"},  {"512", "512"},     {"1e3", "1e3"},
        {"1E3", "1e3"},      {"1000e0", "1e3"},  {"100e1", "1e3"},
        {"3e-3", "3e-3"},    {"+5", "5"},        {"-5", "-5"},
        {"-1.5Ki", "-1536"}, {".5", "500m"},     {"5.", "5"},
        {"1Ei", "1Ei"},      {"1.005", "1005m"}, {"1.5n", "2n"},
        {"0.1n", "1n"},      {"-0.1n", "-1n"},   {"1e-30", "1e-9"},
        {"1u", "1u"},        {"1E", "1E"},       {"0.000001Ki", "1024u"},
        {"0.5Ki", "512"},    {"00012", "12"},    {"1.0000000001", "1000000001n"},
    };
    for (const auto& [text, wanted] : cases) {
      CAPTURE(text);
      CHECK(canonical(text) == wanted);
    }
  }

  TEST_CASE("what is no quantity is refused") {
    for (const std::string_view text :
         {"",     " ",     "1 ",    " 1",   "1 Gi", "1gb", "0x1", ".",   "+",  "-",
          "1mi",  "1i",    "1.1.1", "NaN",  "Inf",  "1K",  "1KI", "--1", "1e", "1e+",
          "1ee3", "1e3.5", "1Mi5",  "aoeu", "1m1",  "1_0", "1,5", "1e3M"}) {
      CAPTURE(text);
      CHECK_FALSE(parse_quantity(text).has_value());
    }
  }

  TEST_CASE("a value is rounded away from zero, never truncated") {
    CHECK(parse_quantity("1.1")->value() == 2);
    CHECK(parse_quantity("-1.1")->value() == -2);
    CHECK(parse_quantity("1m")->value() == 1);
    CHECK(parse_quantity("1u")->milli_value() == 1);
    CHECK(parse_quantity("1500m")->milli_value() == 1500);
    CHECK(parse_quantity("128Mi")->value() == 134217728);
    CHECK(parse_quantity("2k")->value() == 2000);
  }

  TEST_CASE("a value beyond 63 bits is capped") {
    const auto max = std::numeric_limits<std::int64_t>::max();
    for (const std::string_view text :
         {"1e99", "8Ei", "9223372036854775808", "10E", "1e999999999"}) {
      CAPTURE(text);
      CHECK(parse_quantity(text)->value() == max);
    }
    CHECK(parse_quantity("-1e99")->value() == -max);
    CHECK(parse_quantity("9223372036854775806")->value() == max - 1);
    CHECK(parse_quantity("9223372036854775806.5")->value() == max);
    CHECK_FALSE(parse_quantity("1e99")->milli_value().has_value());
  }

  TEST_CASE("quantities compare by value, across suffixes") {
    CHECK(*parse_quantity("1") == *parse_quantity("1000m"));
    CHECK(*parse_quantity("1Gi") > *parse_quantity("1G"));
    CHECK(*parse_quantity("-1") < *parse_quantity("-500m"));
    CHECK(*parse_quantity("-1n") < *parse_quantity("0"));
    CHECK(*parse_quantity("1024Mi") == *parse_quantity("1Gi"));
  }

  TEST_CASE("the canonical form reads back as the same value") {
    for (const std::string_view text :
         {"1.5Gi", "123456789n", "1e6", "0.3", "7Ki", "999999", "-12.25"}) {
      CAPTURE(text);
      CHECK(*parse_quantity(canonical(text)) == *parse_quantity(text));
    }
  }

  TEST_CASE("whole units and whole thousandths are recognised") {
    CHECK(parse_quantity("2")->is_integer());
    CHECK_FALSE(parse_quantity("2500m")->is_integer());
    CHECK(parse_quantity("2500m")->is_whole_milli());
    CHECK_FALSE(parse_quantity("100u")->is_whole_milli());
    CHECK(parse_quantity("-1n")->sign() == -1);
  }

  TEST_CASE("sums") {
    const auto sum = [](const char* a, const char* b) {
      return parse_quantity(a)->plus(*parse_quantity(b)).canonical();
    };
    CHECK(sum("100m", "1") == "1100m");
    CHECK(sum("900m", "200m") == "1100m");
    CHECK(sum("0", "64Mi") == "64Mi");
    CHECK(sum("64Mi", "1Mi") == "65Mi");
    CHECK(sum("-900m", "1") == "100m");
    CHECK(sum("9E", "9E") == sum("9223372036854775807", "0"));
  }
}
