#include "pod/oom.hpp"

#include "pod/qos.hpp"

#include <doctest/doctest.h>

using namespace pausa::pod;

namespace {

constexpr std::int64_t machine = 1000;

Spec spec_of(std::optional<std::int64_t> request) {
  Spec spec;
  spec.containers.resize(2);
  spec.containers[0].resources.request_memory_bytes = request;
  return spec;
}

int score(const Spec& spec, std::size_t i) {
  return oom_score_adj(spec, spec.containers[i], false, machine);
}

}  // namespace

TEST_SUITE("pod/oom") {
  TEST_CASE("who has asked for nothing goes first") {
    CHECK(score(spec_of(std::nullopt), 0) == 1000);
  }

  TEST_CASE("who has asked for much goes late") {
    CHECK(score(spec_of(100), 0) == 900);
    CHECK(score(spec_of(100), 1) == 999);
    CHECK(score(spec_of(999), 0) == 3);
    CHECK(score(spec_of(5000), 0) == 3);
    CHECK(score(spec_of(1), 0) == 999);
  }

  TEST_CASE("a guaranteed pod goes last") {
    Spec spec;
    spec.containers.resize(1);
    auto& resources = spec.containers[0].resources;
    resources.limit_cpu_milli = resources.request_cpu_milli = 100;
    resources.limit_memory_bytes = resources.request_memory_bytes = 100;
    CHECK(score(spec, 0) == -997);
  }

  TEST_CASE("a sidecar goes no earlier than whom it serves") {
    Spec spec = spec_of(300);
    spec.init_containers.resize(1);
    CHECK(oom_score_adj(spec, spec.init_containers[0], true, machine) == 700);
    CHECK(oom_score_adj(spec, spec.init_containers[0], false, machine) == 999);
  }

  TEST_CASE("the pod's own resources decide its class, and its spare memory is everybody's") {
    Spec spec = spec_of(100);
    spec.resources.request_memory_bytes = 500;
    CHECK(qos_class(spec) == "Burstable");
    CHECK(score(spec, 0) == 700);
    CHECK(score(spec, 1) == 800);
    spec.resources.limit_memory_bytes = 500;
    spec.resources.limit_cpu_milli = spec.resources.request_cpu_milli = 1000;
    CHECK(qos_class(spec) == "Guaranteed");
    CHECK(score(spec, 1) == -997);
  }
}
