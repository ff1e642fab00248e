#include "supervisor/generated_files.hpp"

#include "support/temp_tree.hpp"

#include <sys/stat.h>

#include <doctest/doctest.h>

using namespace pausa;
using supervisor::write_generated;

namespace {

std::string read(const test::TempTree& tree, const std::string& path) {
  return sys::read_file_at(tree.fd(), path, 1U << 20U).value_or("(none)");
}

std::string payload(const test::TempTree& tree) {
  char target[256] = {};
  const auto size = ::readlinkat(tree.fd(), "v/..data", target, sizeof target);
  return size < 0 ? "" : std::string(target, static_cast<std::size_t>(size));
}

}  // namespace

TEST_SUITE("supervisor/unit") {
  TEST_CASE("files are switched as one, and what is gone goes") {
    const test::TempTree tree;
    write_generated(tree.fd(), "v", {{"a", "1", 0400}, {"d/b", "2", 0644}}, {});
    CHECK(read(tree, "v/a") == "1");
    CHECK(read(tree, "v/d/b") == "2");
    const std::string first = payload(tree);
    write_generated(tree.fd(), "v", {{"a", "1", 0400}, {"d/b", "2", 0644}}, {});
    CHECK(payload(tree) == first);
    write_generated(tree.fd(), "v", {{"d/c", "3", 0644}}, {});
    CHECK(payload(tree) != first);
    CHECK(read(tree, "v/a") == "(none)");
    CHECK(read(tree, "v/d/c") == "3");
    CHECK(sys::list_dir(sys::open_at(tree.fd(), "v", O_RDONLY | O_DIRECTORY).get()).size() == 3);
  }

  TEST_CASE("the group reads, whatever the mode") {
    if (::geteuid() != 0) return;
    const test::TempTree tree;
    write_generated(tree.fd(), "v", {{"a", "1", 0400}}, {1000, 2000});
    struct ::stat info {};
    REQUIRE(::fstatat(tree.fd(), "v/a", &info, 0) == 0);
    CHECK((info.st_mode & 07777) == 0440);
    CHECK(info.st_uid == 1000);
    CHECK(info.st_gid == 2000);
  }

  TEST_CASE("a link planted anywhere is replaced, not followed") {
    const test::TempTree tree;
    sys::create_file_at(tree.fd(), "victim", "safe", 0644);
    (void)sys::make_dirs_at(tree.fd(), "outside", 0755);
    (void)sys::make_dirs_at(tree.fd(), "v", 0755);
    for (const char* name : {"v/a", "v/..data_tmp"})
      REQUIRE(::symlinkat((tree.path() + "/victim").c_str(), tree.fd(), name) == 0);
    for (const char* name : {"v/..data", "v/d"})
      REQUIRE(::symlinkat((tree.path() + "/outside").c_str(), tree.fd(), name) == 0);
    write_generated(tree.fd(), "v", {{"a", "new", 0644}, {"d/victim", "new", 0644}}, {});
    CHECK(read(tree, "victim") == "safe");
    CHECK(read(tree, "v/a") == "new");
    CHECK(read(tree, "v/d/victim") == "new");
    CHECK(sys::list_dir(sys::open_at(tree.fd(), "outside", O_RDONLY | O_DIRECTORY).get()).empty());
  }

  TEST_CASE("a volume that is a link itself is not written to") {
    const test::TempTree tree;
    (void)sys::make_dirs_at(tree.fd(), "outside", 0755);
    REQUIRE(::symlinkat("outside", tree.fd(), "v") == 0);
    CHECK_THROWS_AS(write_generated(tree.fd(), "v", {{"a", "x", 0644}}, {}), sys::Error);
    CHECK(sys::list_dir(sys::open_at(tree.fd(), "outside", O_RDONLY | O_DIRECTORY).get()).empty());
  }
}
