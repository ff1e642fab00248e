#include "security/user.hpp"

#include "support/temp_tree.hpp"
#include "sys/error.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace pausa;
using namespace pausa::security;

namespace {

using Ids = std::vector<std::uint32_t>;

constexpr std::string_view passwd =
    "root:x:0:0:root:/root:/bin/sh\n"
    "broken line\n"
    "app:x:1000:1001::/home/app:/bin/sh\n"
    "1000:x:0:0::/:/bin/sh\n"
    "wrap:x:4294967296:0::/:/bin/sh\n"
    "high:x:2147483648:0::/:/bin/sh\n"
    "minus:x:-1:0::/:/bin/sh\n"
    "nl:x:1002:1002::relative:/bin/sh\n"
    "top:x:2147483647:5::/top:/bin/sh\n";
constexpr std::string_view group =
    "root:x:0:\n"
    "app:x:1001:\n"
    "video:x:44:app,other\n"
    "audio:x:29:other,app\n"
    "apple:x:60:apple\n"
    "44:x:7:\n"
    "huge:x:99999999999:app\n";

struct Image {
  Image() {
    tree.file("etc/passwd", passwd);
    tree.file("etc/group", group);
  }
  UserRequest request(std::string_view user) const {
    UserRequest r;
    r.image_user = user;
    r.rootfs = tree.fd();
    return r;
  }
  Identity resolve(std::string_view user) const { return resolve_identity(request(user)); }

  test::TempTree tree;
};

std::string refusal(const UserRequest& request) {
  try {
    const Identity got = resolve_identity(request);
    return "uid " + std::to_string(got.uid);
  } catch (const sys::Error& error) {
    return error.what();
  }
}

}  // namespace

TEST_SUITE("security/unit") {
  TEST_CASE("an image without a user runs as root with root's home") {
    const Image image;
    const Identity root = image.resolve("");
    CHECK(root.uid == 0);
    CHECK(root.gid == 0);
    CHECK(root.home == "/root");
    CHECK(root.groups == Ids{0});
  }

  TEST_CASE("a name takes its ids, its home and its groups from the image") {
    const Image image;
    const Identity app = image.resolve("app");
    CHECK(app.uid == 1000);
    CHECK(app.gid == 1001);
    CHECK(app.name == "app");
    CHECK(app.home == "/home/app");
    CHECK(app.groups == Ids{1001, 44, 29});
  }

  TEST_CASE("digits are a number and never a name") {
    const Image image;
    CHECK(image.resolve("1000").uid == 1000);
    CHECK(image.resolve("1000").gid == 1001);
    CHECK(image.resolve("1000:44").gid == 44);
    CHECK(image.resolve("0001000").uid == 1000);
  }

  TEST_CASE("a number that the image does not list is its own, with group 0") {
    const Image image;
    const Identity nobody = image.resolve("4242");
    CHECK(nobody.uid == 4242);
    CHECK(nobody.gid == 0);
    CHECK(nobody.name.empty());
    CHECK(nobody.home == "/");
    CHECK(nobody.groups == Ids{0});
  }

  TEST_CASE("no number wraps around to another user") {
    const Image image;
    CHECK(image.resolve("2147483647").uid == 2147483647);
    for (const char* user : {"2147483648", "4294967295", "4294967296", "99999999999",
                             "18446744073709551616", "1000:4294967296"}) {
      CAPTURE(user);
      CHECK(refusal(image.request(user)).find("must be between 0 and 2147483647") !=
            std::string::npos);
    }
    // The same numbers in passwd describe nobody.
    for (const char* user : {"wrap", "high", "minus"}) {
      CAPTURE(user);
      CHECK(refusal(image.request(user)).find("unable to find user") != std::string::npos);
    }
  }

  TEST_CASE("signs, blanks and spare colons are not numbers") {
    const Image image;
    for (const char* user : {"+5", "-1", " 0", "0x10", "1e3", "0 ", "nobody-here", "1:2:3", "\n"}) {
      CAPTURE(user);
      CHECK(refusal(image.request(user)).find("uid") != 0);
    }
    CHECK(refusal(image.request(std::string_view("app\0", 4))).find("USER[:GROUP]") !=
          std::string::npos);
    CHECK(refusal(image.request(std::string(300, 'a'))).find("USER[:GROUP]") != std::string::npos);
  }

  TEST_CASE("a group may be given by name or by number, alone too") {
    const Image image;
    CHECK(image.resolve("app:video").gid == 44);
    CHECK(image.resolve("app:video").groups == Ids{44, 29});
    CHECK(image.resolve("app:7").gid == 7);
    CHECK(image.resolve(":video").uid == 0);
    CHECK(image.resolve(":video").gid == 44);
    CHECK(image.resolve("app:").gid == 1001);
    CHECK(refusal(image.request("app:nogroup")).find("unable to find group") != std::string::npos);
  }

  TEST_CASE("the manifest's user and group go before the image's") {
    const Image image;
    UserRequest request = image.request("root:video");
    request.run_as_user = 1000;
    Identity got = resolve_identity(request);
    CHECK(got.uid == 1000);
    CHECK(got.gid == 1001);
    CHECK(got.home == "/home/app");
    request.run_as_group = 77;
    got = resolve_identity(request);
    CHECK(got.gid == 77);
    CHECK(got.groups == Ids{77, 44, 29});
    request.run_as_user.reset();
    got = resolve_identity(request);
    CHECK(got.uid == 0);
    CHECK(got.gid == 77);
  }

  TEST_CASE("the list of groups begins with the primary one and repeats none") {
    const Image image;
    UserRequest request = image.request("app");
    request.supplemental_groups = {500, 44, 1001, 500};
    request.fs_group = 600;
    CHECK(resolve_identity(request).groups == Ids{1001, 44, 29, 500, 600});
    request.strict_groups = true;
    CHECK(resolve_identity(request).groups == Ids{1001, 500, 44, 600});
  }

  TEST_CASE("runAsNonRoot judges the number that will run") {
    const Image image;
    const auto refused = [&](std::string_view user, std::optional<std::uint32_t> run_as_user) {
      UserRequest request = image.request(user);
      request.run_as_non_root = true;
      request.run_as_user = run_as_user;
      return refusal(request);
    };
    CHECK(refused("", {}) == "container has runAsNonRoot and image will run as root");
    CHECK(refused("0", {}) == "container has runAsNonRoot and image will run as root");
    CHECK(refused("000", {}) == "container has runAsNonRoot and image will run as root");
    CHECK(refused(":44", {}) == "container has runAsNonRoot and image will run as root");
    CHECK(refused("app", {}) ==
          "container has runAsNonRoot and image has non-numeric user (app), cannot verify user is "
          "non-root");
    CHECK(refused("app", 0) == "container's runAsUser breaks non-root policy");
    CHECK(refused("1000", {}) == "uid 1000");
    CHECK(refused("", 1000) == "uid 1000");
  }

  TEST_CASE("a home that would break out of its line is not used") {
    const Image image;
    CHECK(image.resolve("nl").home == "/");
    image.tree.file("etc/passwd", "a:x:5:5::/x\ty:/bin/sh\n");
    CHECK(image.resolve("a").home == "/");
  }

  TEST_CASE("an image without the files serves numbers only") {
    const test::TempTree bare;
    UserRequest request;
    request.rootfs = bare.fd();
    request.image_user = "12:34";
    CHECK(resolve_identity(request).groups == Ids{34});
    request.image_user = "app";
    CHECK(refusal(request).find("unable to find user") != std::string::npos);
  }

  TEST_CASE("a file of the image that is not a plain small file is an error, at once") {
    const test::TempTree tree;
    tree.dir("etc");
    UserRequest request;
    request.rootfs = tree.fd();
    request.image_user = "5";
    SUBCASE("a FIFO") {
      REQUIRE(::mkfifoat(tree.fd(), "etc/passwd", 0644) == 0);
      CHECK(refusal(request).find("not a regular file") != std::string::npos);
    }
    SUBCASE("a directory") {
      tree.dir("etc/passwd");
      CHECK(refusal(request).find("not a regular file") != std::string::npos);
    }
    SUBCASE("two gigabytes of nothing") {
      tree.file("etc/passwd", "");
      REQUIRE(::truncate((tree.path() + "/etc/passwd").c_str(), 2L << 30) == 0);
      CHECK(refusal(request).find("/etc/passwd") != std::string::npos);
    }
    SUBCASE("a group file of that size, when a member is looked up") {
      tree.file("etc/passwd", "app:x:5:5::/:/bin/sh\n");
      tree.file("etc/group", "");
      REQUIRE(::truncate((tree.path() + "/etc/group").c_str(), 2L << 30) == 0);
      CHECK(refusal(request).find("/etc/group") != std::string::npos);
    }
  }

  TEST_CASE("links in the image end inside it") {
    const test::TempTree tree;
    tree.file("real/passwd", "app:x:5:6::/:/bin/sh\n");
    tree.link("etc/passwd", "/real/passwd");
    tree.link("etc/group", "../../../../../../../../etc/group-");
    UserRequest request;
    request.rootfs = tree.fd();
    request.image_user = "app";
    CHECK(resolve_identity(request).gid == 6);
    // Outside there may be such a file, shadow(5)'s copy with a group root; inside there is none.
    request.image_user = "app:root";
    CHECK(refusal(request).find("unable to find group") != std::string::npos);
  }
}
