#include "unpack/writer.hpp"

#include "support/temp_tree.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"
#include "unpack/acl.hpp"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <doctest/doctest.h>

using namespace pausa;
using unpack::Entry;
using unpack::Kind;

namespace {

Entry entry(Kind kind, std::string parent, std::string name, std::string link = "") {
  Entry made;
  made.kind = kind;
  made.parent = std::move(parent);
  made.name = std::move(name);
  made.link = std::move(link);
  made.mode = kind == Kind::directory ? 0755 : 0644;
  made.uid = ::geteuid();
  made.gid = ::getegid();
  made.mtime = 1000;
  return made;
}

// A layer in LAYER, beside a folder that nothing may get into.
struct Layer {
  test::TempTree tree;
  sys::UniqueFd root;
  unpack::Writer writer;

  Layer() : root(begin(tree)), writer(root.get(), {}, ::geteuid() == 0) {}
  static sys::UniqueFd begin(const test::TempTree& tree) {
    (void)sys::make_dirs_at(AT_FDCWD, tree.path() + "/victim", 0755);
    return sys::make_dirs_at(AT_FDCWD, tree.path() + "/layer", 0755);
  }
  void file(const std::string& parent, const std::string& name, const std::string& text) {
    auto made = entry(Kind::file, parent, name);
    made.size = text.size();
    writer.add(made);
    writer.write(text, 0);
  }
  std::string read(const std::string& path) const {
    return sys::read_file_at(root.get(), path, 1000).value_or("(none)");
  }
  bool victim_is_empty() const {
    return sys::list_dir(sys::open_dir(tree.path() + "/victim").get()).empty();
  }
  struct ::stat info(const std::string& path) const {
    struct ::stat found {};
    if (::fstatat(root.get(), path.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) found.st_mode = 0;
    return found;
  }
};

}  // namespace

TEST_SUITE("unpack/writer") {
  TEST_CASE("files, folders and links come out as they are, times of folders last") {
    Layer layer;
    layer.writer.add(entry(Kind::directory, "", "etc"));
    auto motd = entry(Kind::file, "etc", "motd");
    motd.size = 5;
    motd.mode = 04711;
    layer.writer.add(motd);
    layer.writer.write("hello", 0);
    layer.writer.add(entry(Kind::symlink, "etc", "link", "motd"));
    layer.writer.add(entry(Kind::hardlink, "a/b", "hard", "etc/motd"));
    layer.writer.finish();
    CHECK(layer.read("etc/motd") == "hello");
    CHECK((layer.info("etc/motd").st_mode & 07777) == 04711);
    CHECK(layer.info("etc/motd").st_nlink == 2);
    CHECK(S_ISLNK(layer.info("etc/link").st_mode));
    CHECK(layer.info("etc").st_mtime == 1000);
    CHECK((layer.info("a/b").st_mode & 07777) == 0755);
    CHECK(layer.writer.totals().bytes == 5);
  }

  TEST_CASE("holes of a file stay holes, more data than its size is refused") {
    Layer layer;
    auto sparse = entry(Kind::file, "", "sparse");
    sparse.size = 10U << 20U;
    layer.writer.add(sparse);
    layer.writer.write("x", (10U << 20U) - 1);
    CHECK_THROWS_AS(layer.writer.write("y", 10U << 20U), sys::Error);
    layer.writer.finish();
    CHECK(layer.info("sparse").st_size == 10 << 20);
    CHECK(layer.info("sparse").st_blocks < 100);
  }

  TEST_CASE("a link to somewhere else leads into the layer itself") {
    for (const std::string target : {"/", "../../..", "../victim", "/victim"}) {
      Layer layer;
      layer.writer.add(entry(Kind::directory, "", "victim"));
      layer.writer.add(entry(Kind::symlink, "", "x", target));
      try {
        layer.file("x", "planted", "1");
        layer.writer.finish();
      } catch (const sys::Error&) {
        // Refused is as good.
      }
      CHECK_MESSAGE(layer.victim_is_empty(), target);
      CHECK_MESSAGE(::access((layer.tree.path() + "/planted").c_str(), F_OK) != 0, target);
    }
  }

  TEST_CASE("a dangling link on the way is an error, not a folder to be made") {
    Layer layer;
    layer.writer.add(entry(Kind::symlink, "", "x", "/nowhere"));
    CHECK_THROWS_AS(layer.file("x", "f", "1"), sys::Error);
    CHECK(layer.info("nowhere").st_mode == 0);
  }

  TEST_CASE("a file never goes through a link at its own place") {
    Layer layer;
    layer.file("", "target", "old");
    layer.writer.add(entry(Kind::symlink, "", "x", "target"));
    layer.file("", "x", "new");
    layer.writer.finish();
    CHECK(layer.read("target") == "old");
    CHECK(layer.read("x") == "new");
  }

  TEST_CASE("kinds replace each other") {
    Layer layer;
    layer.file("", "a", "file");
    layer.writer.add(entry(Kind::directory, "", "a"));
    layer.file("a", "inner", "1");
    layer.writer.add(entry(Kind::symlink, "", "a", "b"));
    layer.file("", "a", "again");
    layer.writer.finish();
    CHECK(layer.read("a") == "again");
  }

  TEST_CASE("hard links: to what is missing or outside is refused, to a link is one to the link") {
    Layer layer;
    CHECK_THROWS_AS(layer.writer.add(entry(Kind::hardlink, "", "h", "etc/shadow")), sys::Error);
    layer.writer.add(entry(Kind::directory, "", "d"));
    CHECK_THROWS_AS(layer.writer.add(entry(Kind::hardlink, "", "h", "d")), sys::Error);
    layer.writer.add(entry(Kind::symlink, "", "l", "/etc/passwd"));
    layer.writer.add(entry(Kind::hardlink, "", "h", "l"));
    CHECK(S_ISLNK(layer.info("h").st_mode));
  }

  TEST_CASE("a whiteout hides what lies below, not what the layer itself has") {
    Layer layer;
    layer.writer.add(entry(Kind::whiteout, "", "gone"));
    CHECK(S_ISCHR(layer.info("gone").st_mode));
    CHECK(layer.info("gone").st_rdev == 0);
    layer.file("", "own", "kept");
    layer.writer.add(entry(Kind::whiteout, "", "own"));
    layer.writer.add(entry(Kind::directory, "", "folder"));
    layer.writer.add(entry(Kind::whiteout, "", "folder"));
    layer.writer.add(entry(Kind::whiteout, "", "later"));
    layer.writer.add(entry(Kind::directory, "", "later"));
    layer.writer.add(entry(Kind::opaque, "d", ""));
    layer.writer.finish();
    CHECK(layer.read("own") == "kept");
    CHECK(layer.writer.opaque() == std::vector<std::string>{"folder", "later", "d"});
  }

  TEST_CASE("the times of folders are the layer's, in whatever order their entries come") {
    Layer layer;
    auto folder = entry(Kind::directory, "", "a");
    folder.mtime = 2000;
    layer.writer.add(folder);
    folder = entry(Kind::directory, "", "");
    folder.mtime = 3000;
    layer.writer.add(folder);
    layer.file("a", "f", "1");
    layer.file("", "g", "1");
    layer.file("a/deep/er", "h", "1");
    layer.file("a", "f", "2");
    layer.writer.add(entry(Kind::whiteout, "a", "gone"));
    layer.writer.finish();
    CHECK(layer.info("a").st_mtime == 2000);
    CHECK(layer.info(".").st_mtime == 3000);
    CHECK(layer.info("a/f").st_mtime == 1000);
  }

  TEST_CASE("a path leads to what stands there now, not to what stood there before") {
    Layer layer;
    layer.writer.add(entry(Kind::symlink, "", "s", "."));
    layer.writer.add(entry(Kind::directory, "s", "s"));
    layer.file("s", "f", "1");
    layer.writer.finish();
    CHECK(layer.read("s/f") == "1");
    CHECK(layer.read("f") == "(none)");
  }

  TEST_CASE("the default ACL of a folder is set when its files have been made") {
    Layer layer;
    auto folder = entry(Kind::directory, "", "d");
    const std::string value = unpack::acl_value({{unpack::AclTag::user_obj, 7, 0},
                                                 {unpack::AclTag::user, 5, 77},
                                                 {unpack::AclTag::group_obj, 5, 0},
                                                 {unpack::AclTag::mask, 5, 0},
                                                 {unpack::AclTag::other, 0, 0}});
    folder.xattrs = {{std::string(unpack::access_acl), value},
                     {std::string(unpack::default_acl), value}};
    layer.writer.add(folder);
    layer.file("d", "f", "1");
    layer.writer.finish();
    const auto path = layer.tree.path() + "/layer/d";
    for (const auto attribute : {unpack::access_acl, unpack::default_acl}) {
      std::string found(value.size(), '\0');
      CHECK(::getxattr(path.c_str(), attribute.data(), found.data(), found.size()) ==
            static_cast<ssize_t>(value.size()));
      CHECK(found == value);
    }
    CHECK(::getxattr((path + "/f").c_str(), unpack::access_acl.data(), nullptr, 0) < 0);
  }

  TEST_CASE("the layer's limits hold") {
    const test::TempTree tree;
    const auto root = sys::open_dir(tree.path());
    unpack::Limits limits;
    limits.bytes = 10;
    limits.entries = 2;
    unpack::Writer writer(root.get(), limits, false);
    auto file = entry(Kind::file, "", "f");
    file.size = 10;
    writer.add(file);
    writer.write("12345", 0);
    CHECK_THROWS_WITH_AS(writer.write("123456", 5),
                         "the layer exceeds its limit of 10 unpacked bytes", sys::Error);
    writer.add(entry(Kind::directory, "", "d"));
    CHECK_THROWS_AS(writer.add(entry(Kind::directory, "", "e")), sys::Error);
  }
}
