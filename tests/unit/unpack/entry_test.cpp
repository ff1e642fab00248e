#include "unpack/entry.hpp"

#include "sys/error.hpp"
#include "unpack/acl.hpp"

#include <doctest/doctest.h>

#include <cstdint>

using namespace pausa;
using unpack::Kind;
using unpack::RawEntry;

namespace {

RawEntry raw(Kind kind, std::string path, std::string link = "") {
  RawEntry entry;
  entry.kind = kind;
  entry.path = std::move(path);
  entry.link = std::move(link);
  entry.mode = 0644;
  return entry;
}

std::string refusal(RawEntry entry) {
  try {
    (void)unpack::plan(std::move(entry), {});
  } catch (const sys::Error& error) {
    return error.what();
  }
  return "";
}

std::string place(const std::string& path, Kind kind = Kind::file) {
  const auto entry = unpack::plan(raw(kind, path), {});
  return entry ? entry->parent + "|" + entry->name : "left out";
}

}  // namespace

TEST_SUITE("unpack/entry") {
  TEST_CASE("a path is seen from the layer's root, whatever it pretends") {
    CHECK(place("etc/passwd") == "etc|passwd");
    CHECK(place("./etc//passwd") == "etc|passwd");
    CHECK(place("/victim") == "|victim");
    CHECK(place("./", Kind::directory) == "|");
    CHECK(place("/", Kind::directory) == "|");
    CHECK(place("etc/", Kind::directory) == "|etc");
    CHECK(place("a\nb\x1b\xff") == "|a\nb\x1b\xff");
  }

  TEST_CASE("a path that leads upwards is refused by name") {
    for (const char* path : {"../../victim", "a/../../victim", "..", "a/..", "./../x"})
      CHECK_MESSAGE(refusal(raw(Kind::directory, path)).find("upwards") != std::string::npos, path);
    CHECK(refusal(raw(Kind::file, "../x")) == "entry \"../x\": its path leads upwards");
    CHECK(refusal(raw(Kind::hardlink, "a", "../../etc/shadow")).find("upwards") !=
          std::string::npos);
  }

  TEST_CASE("names and paths have limits") {
    CHECK(place(std::string(255, 'n')).size() == 256);
    CHECK(refusal(raw(Kind::file, std::string(256, 'n'))).find("255 bytes") != std::string::npos);
    CHECK(refusal(raw(Kind::file, std::string(4097, '/'))).find("4096 bytes") != std::string::npos);
    std::string deep;
    for (int i = 0; i < 256; ++i) deep += "d/";
    CHECK(refusal(raw(Kind::directory, deep)).find("deeper than 255") != std::string::npos);
    CHECK(refusal(raw(Kind::file, std::string("a\0b", 3))).find("zero byte") != std::string::npos);
  }

  TEST_CASE("only a directory is the root, and only a directory ends with a slash") {
    for (const char* path : {".", "", "/", "//"})
      CHECK_FALSE(refusal(raw(Kind::file, path)).empty());
    CHECK_FALSE(refusal(raw(Kind::file, "name/")).empty());
  }

  TEST_CASE("whiteouts are told from files, forged ones refused") {
    const auto gone = unpack::plan(raw(Kind::file, "etc/.wh.passwd"), {});
    CHECK(gone->kind == Kind::whiteout);
    CHECK(gone->name == "passwd");
    const auto opaque = unpack::plan(raw(Kind::file, "etc/.wh..wh..opq"), {});
    CHECK(opaque->kind == Kind::opaque);
    CHECK(opaque->parent == "etc");
    CHECK(place(".wh..wh.plnk") == "left out");
    for (const char* path : {".wh.", ".wh..", ".wh...", "a/.wh.", "a/.wh..."})
      CHECK_MESSAGE(refusal(raw(Kind::file, path)).find("whites out nothing") != std::string::npos,
                    path);
    for (const char* path : {".wh.a/../b", ".wh.a/b", ".wh./x", "a/.wh.b/c/d"})
      CHECK_FALSE_MESSAGE(refusal(raw(Kind::file, path)).empty(), path);
    CHECK(place(".wh..wh.plnk/1.2") == "left out");
    CHECK(place("a.wh.b/.whx") == "a.wh.b|.whx");
  }

  TEST_CASE("device nodes are refused but for those that every container has") {
    auto node = raw(Kind::character, "dev/null");
    node.major = 1;
    node.minor = 3;
    CHECK(unpack::plan(node, {})->kind == Kind::character);
    node.major = 0;
    node.minor = 0;  // a whiteout of overlayfs, forged
    CHECK(refusal(node).find("device node 0:0") != std::string::npos);
    node.kind = Kind::block;
    node.major = 8;
    CHECK(refusal(node).find("device node 8:0") != std::string::npos);
    node.kind = Kind::block;
    node.major = 1;
    node.minor = 3;
    CHECK_FALSE(refusal(node).empty());
  }

  TEST_CASE("hard links stay inside, and are not to themselves or the root") {
    CHECK(unpack::plan(raw(Kind::hardlink, "a", "/etc/x"), {})->link == "etc/x");
    CHECK_FALSE(refusal(raw(Kind::hardlink, "a", "./a")).empty());
    CHECK_FALSE(refusal(raw(Kind::hardlink, "a", "/")).empty());
  }

  TEST_CASE("a symbolic link is kept as it is, an empty one refused") {
    CHECK(unpack::plan(raw(Kind::symlink, "a", "../../.."), {})->link == "../../..");
    CHECK_FALSE(refusal(raw(Kind::symlink, "a", "")).empty());
  }

  TEST_CASE("sizes, ids and times are bounded") {
    auto entry = raw(Kind::file, "f");
    entry.size = -1;
    CHECK(refusal(entry).find("its size -1") != std::string::npos);
    entry.size = INT64_MAX;
    CHECK_FALSE(refusal(entry).empty());
    entry.size = 5;
    entry.mtime = INT64_MIN;
    entry.mtime_ns = 2'000'000'000;
    const auto planned = unpack::plan(entry, {});
    CHECK(planned->mtime == -(std::int64_t{1} << 34));
    CHECK(planned->mtime_ns == 0);
    for (const std::int64_t id :
         {std::int64_t{-1}, std::int64_t{0xffffffff}, std::int64_t{1} << 40}) {
      entry.uid = id;
      CHECK(refusal(entry).find("user id") != std::string::npos);
    }
    entry.uid = 0xfffffffe;
    entry.mode = 0104755;
    CHECK(unpack::plan(entry, {})->mode == 04755);
  }

  TEST_CASE(
      "attributes that the kernel or overlayfs would obey are dropped, but for capabilities") {
    auto entry = raw(Kind::file, "f");
    std::string v3(24, '\0');
    v3[3] = 3;
    v3[20] = 42;
    entry.xattrs = {{"user.note", "kept"},
                    {"user.overlay.opaque", "y"},
                    {"trusted.overlay.redirect", "/"},
                    {"security.selinux", "x"},
                    {"system.posix_acl_access", "x"},
                    {"security.capability", v3},
                    {"security.capability", "short"}};
    const auto planned = unpack::plan(entry, {});
    REQUIRE(planned->xattrs.size() == 2);
    CHECK(planned->xattrs[0].first == "user.note");
    CHECK(planned->xattrs[1].second.size() == 20);
    CHECK(planned->xattrs[1].second[3] == 2);
  }

  TEST_CASE("a layer may grow 64-fold and a little, not without end") {
    CHECK(unpack::most_unpacked_bytes(0) == 256U << 20U);
    CHECK(unpack::most_unpacked_bytes(10U << 20U) == (256U << 20U) + (640U << 20U));
    CHECK(unpack::most_unpacked_bytes(UINT32_MAX) == unpack::Limits().bytes);
  }

  TEST_CASE("a small layer has few entries") {
    CHECK(unpack::limits_of(0).entries == 50'000);
    CHECK(unpack::limits_of(3'200'000).entries == 150'000);
    CHECK(unpack::limits_of(UINT32_MAX).entries == unpack::Limits().entries);
  }

  TEST_CASE("ACLs are kept when the kernel would take them") {
    using unpack::AclTag;
    const std::vector<unpack::AclEntry> good{{AclTag::other, 0, 0},     {AclTag::user, 7, 5},
                                             {AclTag::user_obj, 7, 0},  {AclTag::mask, 7, 0},
                                             {AclTag::group_obj, 5, 0}, {AclTag::user, 6, 4}};
    const auto value = unpack::acl_value(good);
    CHECK(unpack::is_acl(value));
    CHECK(value.size() == 4 + 6 * 8);
    auto entry = raw(Kind::file, "f");
    entry.xattrs = {{"system.posix_acl_access", value}};
    CHECK(unpack::plan(entry, {})->xattrs.size() == 1);
    for (std::size_t left_out = 0; left_out < good.size(); ++left_out) {
      auto fewer = good;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(left_out));
      const bool named = good[left_out].tag == AclTag::user;
      CHECK_MESSAGE(unpack::is_acl(unpack::acl_value(fewer)) == named, left_out);
    }
    auto bad = good;
    bad.push_back({AclTag::other, 0, 0});
    CHECK_FALSE(unpack::is_acl(unpack::acl_value(bad)));
    bad = good;
    bad[0].permissions = 8;
    CHECK_FALSE(unpack::is_acl(unpack::acl_value(bad)));
    bad = good;
    bad[1].id = 0xffffffff;
    CHECK_FALSE(unpack::is_acl(unpack::acl_value(bad)));
    for (const auto& text : {std::string(), value.substr(1), value + "x", value.substr(0, 4)})
      CHECK_FALSE(unpack::is_acl(text));
    std::string other_version = value;
    other_version[0] = 1;
    CHECK_FALSE(unpack::is_acl(other_version));
  }

  TEST_CASE("what is printed of a name is printable") {
    CHECK(unpack::shown("a\nb\x1b[31m\\") == "a\\x0ab\\x1b[31m\\x5c");
    CHECK(unpack::shown(std::string(1000, 'x')).size() < 220);
  }
}
