#include "state/object_store.hpp"

#include "support/temp_tree.hpp"

#include <sys/stat.h>

#include <doctest/doctest.h>

using namespace pausa;
using pod::ObjectKind;
using state::ObjectStore;

namespace {

pod::Object config_map(const std::string& name, const std::string& value) {
  pod::Object object;
  object.metadata.name = name;
  object.data = {{"key", value}};
  object.binary = {{"raw", std::string("\0\xff", 2)}};
  return object;
}

}  // namespace

TEST_SUITE("state/unit") {
  TEST_CASE("an object is stored for its owner alone, found, listed and removed") {
    const test::TempTree tree;
    const ObjectStore store(state::Paths{tree.path(), tree.path()});
    CHECK_FALSE(store.find(ObjectKind::config_map, "default", "c"));
    CHECK(store.list(ObjectKind::config_map).empty());
    CHECK(store.put(config_map("c", "one\n\"two\"")));
    CHECK_FALSE(store.put(config_map("c", "one\n\"two\"")));
    CHECK(store.put(config_map("c", "three")));
    const auto found = store.find(ObjectKind::config_map, "default", "c");
    REQUIRE(found);
    CHECK(found->data == pod::KeyValues{{"key", "three"}});
    CHECK(*found->find("raw") == std::string("\0\xff", 2));
    CHECK(store.list(ObjectKind::config_map).size() == 1);
    CHECK(store.list(ObjectKind::secret).empty());
    struct ::stat info {};
    const std::string file = tree.path() + "/objects/default/configmap/c.json";
    REQUIRE(::stat(file.c_str(), &info) == 0);
    CHECK((info.st_mode & 07777) == 0600);
    CHECK(store.remove(config_map("c", "")));
    CHECK_FALSE(store.remove(config_map("c", "")));
  }

  TEST_CASE("a name cannot lead out of its folder") {
    const test::TempTree tree;
    const ObjectStore store(state::Paths{tree.path(), tree.path()});
    CHECK(store.put(config_map("c", "x")));
    CHECK_FALSE(store.find(ObjectKind::secret, "default", "../configmap/c"));
    CHECK_FALSE(store.find(ObjectKind::config_map, "default", ""));
  }

  TEST_CASE("what stands above namespaces is kept apart") {
    const test::TempTree tree;
    const ObjectStore store(state::Paths{tree.path(), tree.path()});
    pod::Object volume;
    volume.kind = ObjectKind::volume;
    volume.metadata = {"v", "", {}, {}};
    volume.volume.path = "/srv";
    CHECK(store.put(volume));
    CHECK(store.find(ObjectKind::volume, "", "v")->volume.path == "/srv");
    CHECK(store.list(ObjectKind::volume).size() == 1);
  }
}
