#include "state/watch.hpp"

#include "state/event.hpp"
#include "state/store.hpp"
#include "support/temp_tree.hpp"

#include <poll.h>

#include <doctest/doctest.h>

using namespace pausa;

namespace {

bool readable(int fd) {
  pollfd ready{fd, POLLIN, 0};
  return ::poll(&ready, 1, 0) == 1;
}

}  // namespace

TEST_SUITE("state/unit") {
  TEST_CASE("a watch sees a pod come, change and go, and nothing else") {
    const test::TempTree tree;
    const state::Store store({tree.path() + "/root", tree.path() + "/run"});
    store.prepare();
    state::Watch watch(store.paths());
    CHECK_FALSE(watch.clear());
    state::Record record;
    record.key = {"default", "web"};
    record.uid = "6fa0";
    watch.add(record.key);  // not there yet, which is fine

    auto lock = store.lock(record.key, std::chrono::milliseconds(0));
    CHECK(readable(watch.fd()));
    CHECK(watch.clear());
    CHECK_FALSE(readable(watch.fd()));

    watch.add(record.key);
    store.write(record);
    CHECK(watch.clear());
    store.write(record);
    CHECK(watch.clear());
    CHECK(store.read(record.key));
    CHECK_FALSE(watch.clear());  // looking is no change

    store.remove(record.key);
    CHECK(watch.clear());
  }

  TEST_CASE("an event is read from its line, and what is none is not") {
    const auto event = state::event_from_json(
        R"({"time":"2026-01-01T00:00:00Z","type":"Normal","reason":"Started","container":"a","message":"m"})");
    REQUIRE(event);
    CHECK(event->reason == "Started");
    CHECK(event->container == "a");
    const auto pods = state::event_from_json(R"({"reason":"Created","message":7})");
    REQUIRE(pods);
    CHECK(pods->container.empty());
    CHECK(pods->message.empty());
    for (const char* text : {"", "{", "[]", "null", R"({"reason":"cut o)"})
      CHECK_FALSE(state::event_from_json(text));
  }
}
