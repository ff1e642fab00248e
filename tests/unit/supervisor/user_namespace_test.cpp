#include "supervisor/user_namespace.hpp"

#include "support/temp_tree.hpp"
#include "sys/error.hpp"
#include "sys/process.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace pausa;

namespace {

state::Store store_in(const test::TempTree& tree) {
  state::Store store({tree.path() + "/data", tree.path() + "/run"});
  store.prepare();
  return store;
}

// Written, as the pod of a command that goes on to start it.
state::Record make_pod(const state::Store& store, const std::string& name) {
  state::Record record;
  record.key.name = name;
  record.uid = state::make_uid();
  record.boot_id = sys::boot_id();
  const auto lock = store.lock(record.key, std::chrono::seconds(1));
  supervisor::allocate_ids(store, record);
  return record;
}

std::string refusal(const pod::Spec& spec, std::uint32_t mapped) {
  try {
    supervisor::require_mapped_ids(spec, mapped);
    return "";
  } catch (const sys::Error& error) {
    return error.what();
  }
}

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_SUITE("supervisor/user-namespace") {
  TEST_CASE("no two pods get the same ids, and the record tells which") {
    const test::TempTree tree;
    const auto store = store_in(tree);
    std::set<std::uint32_t> bases;
    for (const char* name : {"a", "b", "c", "d"}) {
      const auto record = make_pod(store, name);
      CHECK(record.user_namespace);
      CHECK(record.id_base >= 1U << 20U);
      for (const auto base : bases)
        CHECK((base > record.id_base ? base - record.id_base : record.id_base - base) >= 65536);
      bases.insert(record.id_base);
      const auto written = store.read(record.key);
      REQUIRE(written);
      CHECK(written->id_base == record.id_base);
      CHECK(written->user_namespace);
    }
  }

  TEST_CASE("the ids of a pod that is gone are given out again, and a pod keeps its own") {
    const test::TempTree tree;
    const auto store = store_in(tree);
    const auto first = make_pod(store, "first");
    const auto second = make_pod(store, "second");
    CHECK(make_pod(store, "second").id_base == second.id_base);
    {
      const auto lock = store.lock(first.key, std::chrono::seconds(1));
      store.remove(first.key);
    }
    CHECK(make_pod(store, "third").id_base == first.id_base);
    CHECK(make_pod(store, "fourth").id_base > second.id_base);
  }

  TEST_CASE("an id that the pod does not have is refused with the way out") {
    pod::Spec spec;
    spec.containers.emplace_back();
    CHECK(refusal(spec, 1).empty());
    spec.containers.front().security.run_as_user = 1000;
    CHECK(contains(refusal(spec, 1), "runAsUser 1000"));
    CHECK(contains(refusal(spec, 1), "/etc/subuid"));
    CHECK(contains(refusal(spec, 1), "newuidmap"));
    CHECK(contains(refusal(spec, 1000), "0 to 999"));
    CHECK(refusal(spec, 1001).empty());
    spec.containers.front().security.run_as_user.reset();
    spec.security.fs_group = 65536;
    CHECK(contains(refusal(spec, 65536), "hostUsers"));
    CHECK(refusal(spec, UINT32_MAX).empty());
    spec.security.fs_group.reset();
    spec.security.supplemental_groups = {0, 7};
    CHECK(contains(refusal(spec, 1), "7"));
  }

  TEST_CASE("without root, work with subordinate ids is done as root of a user namespace") {
    if (::geteuid() != 0) return;
    const test::TempTree tree;
    REQUIRE(::chmod(tree.path().c_str(), 0777) == 0);
    const std::string made = tree.path() + "/made";
    CHECK(test::as_user(65534, [&] {
            supervisor::with_subordinate_ids([&] {
              if (::geteuid() != 0) throw sys::Error("not root inside");
              sys::create_file_at(AT_FDCWD, made, "", 0644);
            });
            return ::geteuid() == 65534 ? 0 : 1;  // and we stayed outside
          }) == 0);
    struct ::stat info {};
    REQUIRE(::stat(made.c_str(), &info) == 0);
    CHECK(info.st_uid == 65534);
  }

  TEST_CASE("an error of that work comes back with its sentence") {
    if (::geteuid() != 0) return;
    CHECK(test::as_user(65534, [&] {
            try {
              supervisor::with_subordinate_ids([] { throw sys::Error("what went wrong"); });
            } catch (const sys::Error& error) {
              return std::string(error.what()) == "what went wrong" ? 0 : 1;
            }
            return 2;
          }) == 0);
  }
}
