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

  TEST_CASE("ports of the host are opened and closed in place, unless a name moves") {
    const auto with = [](const std::string& ports) {
      return R"({"spec":{"containers":[{"name":"web","image":"x","ports":[)" + ports + "]}]}}";
    };
    const auto changes = [&with](const char* now, const char* wanted) {
      return pod::compare(test::JsonReader(with(now)).read(),
                          test::JsonReader(with(wanted)).read());
    };
    const std::vector<std::string> none, web{"web"};
    for (const char* wanted :
         {R"({"containerPort":80})", R"({"containerPort":80,"hostPort":8090})", "",
          R"({"containerPort":80,"hostPort":8080,"hostIP":"127.0.0.1"})",
          R"({"containerPort":80,"hostPort":8080},{"containerPort":53,"protocol":"UDP"})"}) {
      const auto found = changes(R"({"containerPort":80,"hostPort":8080})", wanted);
      CHECK(found.publish == web);
      CHECK(found.restart == none);
      CHECK(found.recreate.empty());
      CHECK(found.any());
    }
    const char* named = R"({"containerPort":80,"name":"http"})";
    CHECK(changes(named, R"({"containerPort":80,"name":"http","hostPort":8080})").publish == web);
    for (const char* wanted :
         {R"({"containerPort":81,"name":"http"})", R"({"containerPort":80})"}) {
      const auto found = changes(named, wanted);
      CHECK(found.restart == web);
      CHECK(found.publish == none);
    }
  }

  TEST_CASE("other limits are given in place, unless the container wants a start") {
    const auto pod_with = [](const std::string& resources, const std::string& more = "") {
      return R"({"metadata":{},"spec":{"containers":[{"name":"web","image":"x","resources":)" +
             resources + more + R"(},{"name":"api","image":"y"}]}})";
    };
    const auto changes = [](const std::string& now, const std::string& wanted) {
      return compare(now.c_str(), wanted.c_str());
    };
    const auto small = pod_with(R"({"limits":{"cpu":"1","memory":"64Mi"}})");
    const auto large = pod_with(R"({"limits":{"cpu":"2","memory":"64Mi"}})");
    CHECK(changes(small, large).resize == std::vector<std::string>{"web"});
    CHECK(changes(small, large).restart.empty());
    CHECK(changes(small, large).recreate.empty());
    // A policy that changes along is the one that counts.
    const std::string policy =
        R"(,"resizePolicy":[{"resourceName":"cpu","restartPolicy":"RestartContainer"}])";
    CHECK(changes(small, pod_with(R"({"limits":{"cpu":"2","memory":"64Mi"}})", policy)).restart ==
          std::vector<std::string>{"web"});
    CHECK(changes(small, pod_with(R"({"limits":{"cpu":"1","memory":"1Gi"}})", policy)).resize ==
          std::vector<std::string>{"web"});
    CHECK(changes(small, pod_with(R"({"limits":{"cpu":"1"}})")).restart ==
          std::vector<std::string>{"web"});
    CHECK(changes(small, pod_with("{}")).recreate == "spec.containers[0].resources");
    CHECK(changes(small, pod_with(R"({"limits":{"cpu":"2","memory":"64Mi"}})", R"(,"tty":true)"))
              .restart == std::vector<std::string>{"web"});
  }

  TEST_CASE("labels and annotations change in place") {
    const auto changes = compare(
        two, R"({"metadata":{"labels":{"a":"1"},"annotations":{"note":"x"}},"spec":{"hostname":"h",
               "containers":[{"name":"web","image":"x"},{"name":"api","image":"y"}]}})");
    CHECK(changes.metadata);
    CHECK(changes.recreate.empty());
    CHECK(changes.restart.empty());
  }

  TEST_CASE("of the init containers a sidecar gets other resources as it lives, and nothing else") {
    const auto pod = [](const std::string& init) {
      return R"({"spec":{"initContainers":[)" + init +
             R"(],"containers":[{"name":"web","image":"x"}]}})";
    };
    const auto resources = [](const char* name, const char* memory, const char* more) {
      return std::string(R"({"name":")") + name +
             R"(","image":"y","resources":{"limits":{"memory":")" + memory + R"("}})" + more + "}";
    };
    const char* always = R"(,"restartPolicy":"Always")";
    const auto small = pod(resources("s", "64Mi", always));
    const auto larger = compare(small.c_str(), pod(resources("s", "96Mi", always)).c_str());
    CHECK(larger.recreate.empty());
    CHECK(larger.resize == std::vector<std::string>{"s"});
    const auto argued = pod(resources("s", "64Mi", R"(,"restartPolicy":"Always","args":["-v"])"));
    CHECK(compare(small.c_str(), argued.c_str()).recreate == "spec.initContainers");
    CHECK(compare(small.c_str(), pod("").c_str()).recreate == "spec.initContainers");
    CHECK(compare(pod(resources("i", "64Mi", "")).c_str(), pod(resources("i", "96Mi", "")).c_str())
              .recreate == "spec.initContainers");
  }
}
