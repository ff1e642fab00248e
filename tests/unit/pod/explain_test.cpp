#include "pod/explain.hpp"

#include <doctest/doctest.h>

#include <string>

using pausa::pod::explain;

namespace {

bool says(std::string_view path, std::string_view part) {
  const auto text = explain(path);
  REQUIRE(text);
  INFO(*text);
  CHECK(text->find(part) != std::string::npos);
  return text->find(part) != std::string::npos;
}

}  // namespace

TEST_SUITE("pod/unit") {
  TEST_CASE("explain names type, need, values, support and purpose of a field") {
    says("pod.spec.restartPolicy", "values    Always, Never, OnFailure\n");
    says("pod.spec.containers", "type      list of Container\nrequired  yes\nsupport   done\n");
    says("pod.spec.nodeSelector", "support   accepted, no effect here\n");
    says("pod.spec.resourceClaims", "support   not supported\n");
    says("pod.spec.resourceClaims", "why       there is no device allocation on one machine\n");
    says("pod.spec.shareProcessNamespace", "here      unset means shared");
  }

  TEST_CASE("explain lists the fields of an object with their verdicts") {
    says("pod", "metadata");
    says("pod.spec", "[not supported] list of PodResourceClaim");
    says("pod.spec.containers.ports", "containerPort  integer, required: the port number");
  }

  TEST_CASE("what lies below a field shares its verdict") {
    says("pod.spec.volumes.nfs.server", "support   not supported\n");
    says("pod.spec.affinity.nodeAffinity", "support   accepted, no effect here\n");
  }

  TEST_CASE("a path may begin at spec and may have indices") {
    CHECK(explain("spec.containers[0].image") == explain("pod.spec.containers.image"));
    CHECK(explain("pods.metadata") == explain("Pod.metadata"));
  }

  TEST_CASE("an unknown path explains nothing") {
    for (const std::string_view path : {"pod.spec.contaners", "pod.spec.hostname.x", "ingress",
                                        "pod.metadata.labels.app", "pod..spec", "."}) {
      CAPTURE(path);
      CHECK_FALSE(explain(path));
    }
  }
}
