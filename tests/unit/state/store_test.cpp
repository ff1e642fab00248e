#include "state/store.hpp"

#include "support/temp_tree.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

using namespace pausa;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  test::TempTree tree;
  state::Store store{state::Paths{tree.path() + "/data", tree.path() + "/run"}};
  state::PodKey key{"default", "web"};
  Fixture() { store.prepare(); }
};

state::Record record_of(const state::PodKey& key) {
  state::Record record;
  record.key = key;
  record.uid = state::make_uid();
  return record;
}

}  // namespace

TEST_SUITE("state/store") {
  TEST_CASE("the lock excludes others until it is released") {
    Fixture fixture;
    auto first = fixture.store.lock(fixture.key, 0ms);
    REQUIRE(first);
    CHECK_FALSE(fixture.store.lock(fixture.key, 0ms));
    CHECK(fixture.store.is_locked(fixture.key));
    first.release();
    CHECK_FALSE(fixture.store.is_locked(fixture.key));
    CHECK(fixture.store.lock(fixture.key, 0ms));
  }

  TEST_CASE("the lock ends with the process that held it") {
    Fixture fixture;
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
      const auto lock = fixture.store.lock(fixture.key, 0ms);
      (void)!::write(ends[1], lock ? "1" : "0", 1);
      ::_exit(0);  // without a destructor
    }
    char held = '0';
    CHECK(::read(ends[0], &held, 1) == 1);
    CHECK(held == '1');
    (void)::waitpid(child, nullptr, 0);
    CHECK(fixture.store.lock(fixture.key, 0ms));
    (void)::close(ends[0]);
    (void)::close(ends[1]);
  }

  TEST_CASE("a lock on a folder that was removed meanwhile counts for nothing") {
    Fixture fixture;
    const auto old = fixture.store.lock(fixture.key, 0ms);
    fixture.store.remove(fixture.key);
    CHECK(fixture.store.lock(fixture.key, 0ms));
  }

  TEST_CASE("a removed pod's name is free before anything of it goes") {
    Fixture fixture;
    const auto lock = fixture.store.lock(fixture.key, 0ms);
    fixture.store.write(record_of(fixture.key));
    const auto& paths = fixture.store.paths();
    const sys::UniqueFd events(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    const int pods =
        ::inotify_add_watch(events.get(), paths.run_pods().c_str(), IN_MOVED_FROM | IN_DELETE);
    REQUIRE(pods > 0);
    REQUIRE(::inotify_add_watch(events.get(), paths.run_dir(fixture.key).c_str(), IN_DELETE) > 0);
    fixture.store.remove(fixture.key);
    alignas(inotify_event) char buffer[4096];
    REQUIRE(::read(events.get(), buffer, sizeof buffer) > 0);
    const auto* first = reinterpret_cast<const inotify_event*>(buffer);
    CHECK(first->wd == pods);
    CHECK(first->name == fixture.key.folder());
    CHECK(sys::list_dir(sys::open_dir(paths.run_pods()).get()).empty());
  }

  TEST_CASE("what a killed removal left is no pod, and is swept") {
    Fixture fixture;
    const auto& paths = fixture.store.paths();
    auto lock = fixture.store.lock(fixture.key, 0ms);
    fixture.store.write(record_of(fixture.key));
    const std::string left = paths.run_pods() + "/.removed-1";
    REQUIRE(::rename(paths.run_dir(fixture.key).c_str(), left.c_str()) == 0);
    std::vector<state::Damaged> complaints;
    CHECK(fixture.store.list(&complaints).empty());
    CHECK(complaints.empty());
    const auto next = fixture.store.lock(fixture.key, 0ms);
    REQUIRE(next);
    fixture.store.sweep();
    CHECK(sys::list_dir(sys::open_dir(paths.run_pods()).get()) ==
          std::vector{fixture.key.folder()});
  }

  TEST_CASE("a written record is listed and read, a damaged one is named") {
    Fixture fixture;
    const auto lock = fixture.store.lock(fixture.key, 0ms);
    const auto record = record_of(fixture.key);
    fixture.store.write(record);
    REQUIRE(fixture.store.read(fixture.key));
    CHECK(fixture.store.read(fixture.key)->uid == record.uid);
    const state::PodKey broken{"default", "broken"};
    const auto other = fixture.store.lock(broken, 0ms);
    const auto dir = sys::open_dir(fixture.store.paths().run_dir(broken));
    sys::create_file_at(dir.get(), "pod.json", "{", 0600);
    std::vector<state::Damaged> complaints;
    CHECK(fixture.store.list(&complaints).size() == 1);
    REQUIRE(complaints.size() == 1);
    CHECK(complaints[0].key == broken);
    CHECK(complaints[0].why.find("/default_broken/pod.json: ") != std::string::npos);
    CHECK(complaints[0].why.find("pausa rm --force broken") != std::string::npos);
    CHECK_THROWS_AS((void)fixture.store.read(broken), sys::Error);
  }

  TEST_CASE("a removed pod leaves neither folder, and the sweep empties the trash") {
    Fixture fixture;
    auto lock = fixture.store.lock(fixture.key, 0ms);
    fixture.store.write(record_of(fixture.key));
    fixture.store.write_manifest(fixture.key, "{}");
    fixture.store.remove(fixture.key);
    CHECK_FALSE(fixture.store.read(fixture.key));
    CHECK_FALSE(fixture.store.read_manifest(fixture.key));
    CHECK(::access(fixture.store.paths().run_dir(fixture.key).c_str(), F_OK) != 0);
    CHECK(sys::list_dir(sys::open_dir(fixture.store.paths().trash()).get()).size() == 1);
    fixture.store.sweep();
    CHECK(sys::list_dir(sys::open_dir(fixture.store.paths().trash()).get()).empty());
  }

  TEST_CASE("pods with data but without a record of this boot are found") {
    Fixture fixture;
    fixture.store.write_manifest(fixture.key, "{}");
    const auto keys = fixture.store.list_without_record();
    REQUIRE(keys.size() == 1);
    CHECK(keys[0] == fixture.key);
  }
}
