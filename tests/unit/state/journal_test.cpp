#include "state/journal.hpp"

#include "support/temp_tree.hpp"
#include "sys/error.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

using namespace pausa;

namespace {

using namespace std::chrono_literals;

state::Journal example() {
  state::Journal journal;
  journal.owner = sys::self_id();
  journal.boot_id = sys::boot_id();
  journal.made.push_back({"default", "new"});
  journal.pods.push_back({{"shop", "web"},
                          R"({"kind":"Pod"})",
                          "/srv/web.yaml",
                          {1ns, 2ns, 3ns},
                          true,
                          {"app@sha256:1"},
                          {{"data", "model@sha256:2"}},
                          "back"});
  journal.objects.push_back({pod::ObjectKind::secret, "shop", "made", std::nullopt});
  pod::Object settings;
  settings.metadata.name = "settings";
  settings.metadata.namespace_ = "shop";
  settings.data = {{"colour", "blue"}};
  journal.objects.push_back({pod::ObjectKind::config_map, "shop", "settings", settings});
  return journal;
}

}  // namespace

TEST_SUITE("state/journal") {
  TEST_CASE("all of it can be read again") {
    const auto journal = state::journal_from_json(state::to_json(example()));
    CHECK(journal.owner == sys::self_id());
    REQUIRE(journal.made.size() == 1);
    CHECK(journal.made[0] == state::PodKey{"default", "new"});
    REQUIRE(journal.pods.size() == 1);
    CHECK(journal.pods[0].manifest == R"({"kind":"Pod"})");
    CHECK(journal.pods[0].origin == "/srv/web.yaml");
    CHECK(journal.pods[0].backoff.reset_after == 3ns);
    CHECK(journal.pods[0].exact_probes);
    CHECK(journal.pods[0].images == std::vector<std::string>{"app@sha256:1"});
    REQUIRE(journal.pods[0].volumes.size() == 1);
    CHECK(journal.pods[0].volumes[0].name == "data");
    CHECK(journal.pods[0].volumes[0].image == "model@sha256:2");
    CHECK(journal.pods[0].network == "back");
    REQUIRE(journal.objects.size() == 2);
    CHECK(journal.objects[0].kind == pod::ObjectKind::secret);
    CHECK_FALSE(journal.objects[0].before);
    REQUIRE(journal.objects[1].before);
    CHECK(*journal.objects[1].before->find("colour") == "blue");
  }

  TEST_CASE("what is damaged is refused") {
    CHECK_THROWS_AS(state::journal_from_json("{"), sys::Error);
    CHECK_THROWS_AS(state::journal_from_json(R"({"owner": 1})"), sys::Error);
  }

  TEST_CASE("one is abandoned when its owner is dead, or of an earlier boot") {
    const test::TempTree tree;
    const state::Journals journals(state::Paths{tree.path() + "/data", tree.path() + "/run"});
    CHECK(journals.abandoned().empty());
    auto journal = example();
    const auto ours = journals.add(journal);
    CHECK(journals.abandoned().empty());
    journal.boot_id = "another";
    const auto old = journals.add(journal);
    CHECK(journals.abandoned() == std::vector{old});
    journals.remove(old);
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    journal = example();
    journal.owner = sys::identify(child);
    (void)::waitpid(child, nullptr, 0);
    const auto dead = journals.add(journal);
    CHECK(journals.abandoned() == std::vector{dead});
    CHECK(journals.read(dead).made.size() == 1);
    CHECK(journals.give_up(dead) == tree.path() + "/data/undo/" + dead + ".failed");
    CHECK(journals.abandoned().empty());
    journals.remove(ours);
    CHECK(journals.abandoned().empty());
  }
}
