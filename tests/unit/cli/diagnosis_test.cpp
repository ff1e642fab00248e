#include "cli/diagnosis.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace pausa;
using namespace std::chrono_literals;
using Stage = pod::ContainerState::Stage;

namespace {

constexpr pod::WallTime now = 1'000'000s;

pod::Container api() {
  pod::Container container;
  container.name = "api";
  return container;
}

cli::Diagnosis ended(const pod::Termination& end, const pod::Container& spec = api()) {
  pod::ContainerState state;
  state.stage = Stage::terminated;
  state.terminated = end;
  return cli::diagnose(spec, state, "shop/api", now);
}

}  // namespace

TEST_SUITE("cli/unit") {
  TEST_CASE("an end is told with what its code means") {
    const auto good = ended({0, 0, "Completed", "", now - 20s, now - 12s});
    CHECK_FALSE(good.trouble);
    CHECK(good.text == "ended with exit code 0, 12s ago after 8s.");
    CHECK(good.next.empty());

    const auto bad = ended({1, 0, "Error", "", now - 20s, now - 12s});
    CHECK(bad.trouble);
    CHECK(bad.text == "ended with exit code 1, 12s ago after 8s.");
    CHECK(bad.next == "see what it wrote: pausa logs shop/api");

    CHECK(ended({143, 15, "Error", "", now - 20s, now - 12s}).text ==
          "was ended by signal 15 (SIGTERM), exit code 143, 12s ago after 8s.");
    CHECK(ended({137, 0, "Error", "", now - 20s, now - 12s}).text ==
          "ended with exit code 137, by which a shell says that a command was ended by "
          "signal 9 (SIGKILL), 12s ago after 8s.");
    CHECK(ended({127, 0, "Error", "", now - 20s, now - 12s}).text.find("not found") !=
          std::string::npos);
  }

  TEST_CASE("who was killed for memory is told its limit") {
    auto spec = api();
    spec.resources.limit_memory_bytes = 64 << 20;
    const auto killed = ended({137, 9, "OOMKilled", "", now - 20s, now - 12s}, spec);
    CHECK(killed.text ==
          "was killed by the kernel, because it needed more memory than its limit of 64Mi "
          "(OOMKilled, exit code 137), 12s ago after 8s.");
    CHECK(killed.next ==
          "raise resources.limits.memory of container api, or see what it did: "
          "pausa logs shop/api");
  }

  TEST_CASE("what could not be started is told by the launch's own sentence") {
    const auto failed = ended({127, 0, "StartError", "run /bin/nope: No such file", {}, now - 2s});
    CHECK(failed.trouble);
    CHECK(failed.text == "could not be started, 2s ago: run /bin/nope: No such file.");
    CHECK(failed.next ==
          "correct command or image of container api in the manifest; then pausa down and up");
  }

  TEST_CASE("one that waits for its next start tells why it ended before") {
    pod::ContainerState state;
    state.stage = Stage::waiting;
    state.waiting_reason = "CrashLoopBackOff";
    state.waiting_message = "back-off 20s";
    state.restart_count = 2;
    state.launches = 3;
    state.last = pod::Termination{1, 0, "Error", "", now - 20s, now - 12s};
    const auto found = cli::diagnose(api(), state, "shop/api", now);
    CHECK(found.trouble);
    CHECK(found.text ==
          "waits (CrashLoopBackOff: back-off 20s). It was started again twice. "
          "Before, it ended with exit code 1, 12s ago after 8s.");
    CHECK(found.next == "see what it wrote: pausa logs shop/api");
    state.stage = Stage::running;
    state.started = now - 3s;
    CHECK(cli::diagnose(api(), state, "shop/api", now).next ==
          "see what it wrote: pausa logs --previous shop/api");
  }

  TEST_CASE("one that runs for the first time has nothing to explain") {
    pod::ContainerState state;
    state.stage = Stage::running;
    state.started = now - 180s;
    const auto found = cli::diagnose(api(), state, "shop/api", now);
    CHECK_FALSE(found.trouble);
    CHECK(found.text == "runs since 3m.");
    CHECK(found.next.empty());
  }
}
