#include "pod/changes.hpp"

#include "support/json_node.hpp"

#include <doctest/doctest.h>

using namespace pausa;

namespace {

pod::Changes compare(const char* now, const char* wanted) {
  return pod::compare(test::JsonReader(now).read(), test::JsonReader(wanted).read());
}

constexpr const char* two =
    R"({"metadata":{"name":"p","labels":{"a":"1","b":"2"}},
        "spec":{"hostname":"h","containers":[{"name":"web","image":"x"},{"name":"api","image":"y"}]}})";

}  // namespace

TEST_SUITE("pod/unit") {
  TEST_CASE("the same pod asks for nothing, however its keys are ordered") {
    CHECK_FALSE(compare(two, two).any());
    CHECK_FALSE(compare(two,
                        R"({"spec":{"containers":[{"image":"x","name":"web"},
                            {"name":"api","image":"y"}],"hostname":"h"},
                            "metadata":{"labels":{"b":"2","a":"1"},"name":"p"}})")
                    .any());
  }

  TEST_CASE("a changed container is started again, its neighbour is not") {
    const auto changes = compare(
        two, R"({"metadata":{"labels":{"a":"1","b":"2"}},"spec":{"hostname":"h","containers":[
               {"name":"web","image":"x"},{"name":"api","image":"y","args":["-v"]}]}})");
    CHECK(changes.recreate.empty());
    CHECK(changes.restart == std::vector<std::string>{"api"});
    CHECK_FALSE(changes.metadata);
  }

  TEST_CASE("what belongs to the whole pod makes it anew") {
    const auto host = compare(
        two, R"({"metadata":{"labels":{"a":"1","b":"2"}},"spec":{"hostname":"g","containers":[
               {"name":"web","image":"x"},{"name":"api","image":"y"}]}})");
    CHECK(host.recreate == "spec.hostname");
    CHECK(compare(two, R"({"metadata":{"labels":{"a":"1","b":"2"}},"spec":{"hostname":"h",
                          "containers":[{"name":"web","image":"x"}]}})")
              .recreate == "spec.containers");
    CHECK(compare(two, R"({"metadata":{"labels":{"a":"1","b":"2"}},"spec":{"hostname":"h",
                          "containers":[{"name":"web","image":"x"},{"name":"api","image":"y",
                          "resources":{"limits":{"cpu":"1"}}}]}})")
              .recreate == "spec.containers[1].resources");
    CHECK(compare(R"({"metadata":{"annotations":{"pausa/boottime-offset":"1h"}}})",
                  R"({"metadata":{}})")
              .recreate == "metadata.annotations[pausa/boottime-offset]");
  }

  TEST_CASE("labels and annotations change in place") {
    const auto changes = compare(
        two, R"({"metadata":{"labels":{"a":"1"},"annotations":{"note":"x"}},"spec":{"hostname":"h",
               "containers":[{"name":"web","image":"x"},{"name":"api","image":"y"}]}})");
    CHECK(changes.metadata);
    CHECK(changes.recreate.empty());
    CHECK(changes.restart.empty());
  }
}
