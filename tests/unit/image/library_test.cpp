#include "image/library.hpp"

#include "support/temp_tree.hpp"
#include "sys/error.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

using namespace pausa;

namespace {

std::string digest_of(char digit) {
  return "sha256:" + std::string(64, digit);
}

// An image whose documents and layer are there; the digests are not looked at once it is in.
image::StoredImage put(const image::Library& library, const std::string& name, char digit) {
  const auto write = [&](char which, const std::string& text) {
    const auto digest = digest_of(which);
    sys::create_file_at(AT_FDCWD, library.blob_path(digest), text, 0600);
    return R"({"mediaType":"application/vnd.oci.image.config.v1+json","digest":")" + digest +
           R"(","size":)" + std::to_string(text.size()) + "}";
  };
  const char config_digit = static_cast<char>(digit + 1);
  const auto config =
      write(config_digit, R"({"rootfs":{"diff_ids":[")" + digest_of(digit) + R"("]}})");
  (void)write('f', "layer");
  const std::string text =
      R"({"schemaVersion":2,"config":)" + config +
      R"(,"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":")" +
      digest_of('f') + R"(","size":5}]})";
  sys::create_file_at(AT_FDCWD, library.blob_path(digest_of(digit)), text, 0600);
  (void)sys::make_dirs_at(AT_FDCWD, library.layer_path(digest_of(digit)), 0755);
  image::StoredImage image{
      name, {"application/vnd.oci.image.manifest.v1+json", digest_of(digit), text.size(), ""}};
  library.add(image);
  return image;
}

std::string found(const image::Library& library, const std::string& text) {
  const auto image = library.find(std::get<image::Reference>(image::parse_reference(text)));
  return image ? image->name : "none";
}

void prune(const image::Library& library, const std::set<std::string>& in_use = {}) {
  CHECK(library.prune({[&] { return in_use; }}));
}

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

}  // namespace

TEST_SUITE("image/library") {
  TEST_CASE("an image is found by its name, by what people mean, and by its digest") {
    const test::TempTree tree;
    const image::Library library(tree.path());
    CHECK(library.list().empty());
    library.prepare();
    put(library, "docker.io/library/web:1", '0');
    put(library, "localhost/mine:latest", '2');
    CHECK(found(library, "docker.io/web:1") == "docker.io/library/web:1");
    CHECK(found(library, "web:1") == "docker.io/library/web:1");
    CHECK(found(library, "web") == "none");
    CHECK(found(library, "mine") == "localhost/mine:latest");
    CHECK(found(library, "web@" + digest_of('0')) == "docker.io/library/web:1");
    CHECK(found(library, "web@" + digest_of('2')) == "none");
    // Brought by a digest that our own document has not: the registry's, of an index perhaps.
    put(library, "docker.io/library/api@" + digest_of('9'), '4');
    put(library, "docker.io/library/db:1@" + digest_of('8'), '6');
    CHECK(found(library, "docker.io/api@" + digest_of('9')) ==
          "docker.io/library/api@" + digest_of('9'));
    CHECK(found(library, "docker.io/api:7@" + digest_of('9')) ==
          "docker.io/library/api@" + digest_of('9'));
    CHECK(found(library, "docker.io/db:1@" + digest_of('8')) ==
          "docker.io/library/db:1@" + digest_of('8'));
    CHECK(found(library, "docker.io/db:2@" + digest_of('8')) == "none");
    const auto manifest = library.manifest(*library.find_name("localhost/mine:latest"));
    CHECK(library.config(manifest).diff_ids.at(0) == digest_of('2'));
    CHECK(image::Library::size(manifest) > 5);
  }

  TEST_CASE("a name goes to the newest image; the older one stays while it is in use") {
    const test::TempTree tree;
    const image::Library library(tree.path());
    library.prepare();
    put(library, "a/b:1", '0');
    put(library, "a/b:1", '4');
    CHECK(library.list().size() == 2);
    CHECK(library.find_name("a/b:1")->manifest.digest == digest_of('4'));
    prune(library, {digest_of('0')});
    CHECK(exists(library.layer_path(digest_of('0'))));
    prune(library);
    CHECK_FALSE(exists(library.layer_path(digest_of('0'))));
    CHECK_FALSE(exists(library.blob_path(digest_of('1'))));
    CHECK(exists(library.layer_path(digest_of('4'))));
    CHECK(exists(library.blob_path(digest_of('5'))));
    CHECK(library.list().size() == 1);
  }

  TEST_CASE("what is removed is gone at the next pruning, with what was left half made") {
    const test::TempTree tree;
    const image::Library library(tree.path());
    library.prepare();
    put(library, "a/b:1", '0');
    tree.dir("layers/.staging-1-1-1/bin");  // of nobody who lives
    tree.file("images/blobs/sha256/oci-put-blob123", "half");
    CHECK(library.remove("a/b:1"));
    CHECK_FALSE(library.remove("a/b:1"));
    {
      // By another process: this one would lose the lock with any descriptor of its file.
      int told[2];
      REQUIRE(::pipe(told) == 0);
      const pid_t other = ::fork();
      REQUIRE(other >= 0);
      if (other == 0) {
        const auto busy = library.keep_all();
        (void)!::write(told[1], ".", 1);
        ::pause();
        ::_exit(0);
      }
      char word = 0;
      REQUIRE(::read(told[0], &word, 1) == 1);
      CHECK_FALSE(library.prune({[] { return std::set<std::string>(); }}));
      REQUIRE(::kill(other, SIGKILL) == 0);
      REQUIRE(::waitpid(other, nullptr, 0) == other);
      for (const int end : told) (void)::close(end);
    }
    if (const auto alone = library.hold_alone(); alone) {
      CHECK_FALSE(library.try_keep_all());
    }
    CHECK(library.try_keep_all());
    prune(library);
    CHECK(library.list().empty());
    CHECK(sys::list_dir(sys::open_dir(library.layers_dir()).get()).empty());
    CHECK(sys::list_dir(sys::open_dir(library.blobs_dir() + "/sha256").get()).empty());
  }

  TEST_CASE("who waits for another's turn need not bring the image again, unless that failed") {
    const test::TempTree tree;
    const image::Library library(tree.path());
    library.prepare();
    for (const bool succeeds : {true, false}) {
      auto turn = library.turn_to_bring("a/b:1");
      REQUIRE(turn);
      CHECK(library.turn_to_bring("a/c:1"));
      const pid_t other = ::fork();
      REQUIRE(other >= 0);
      if (other == 0) {
        turn.reset();  // its own copy, not the lock
        ::_exit(library.turn_to_bring("a/b:1") ? 1 : 0);
      }
      // In any state between its start and its waiting.
      if (succeeds) image::Library::brought(turn.get());
      turn.reset();
      int status = 0;
      REQUIRE(::waitpid(other, &status, 0) == other);
      if (!succeeds) CHECK(WEXITSTATUS(status) == 1);
    }
  }

  TEST_CASE("files that are damaged are told") {
    const test::TempTree tree;
    const image::Library library(tree.path());
    library.prepare();
    const auto image = put(library, "a/b:1", '0');
    sys::create_file_at(AT_FDCWD, library.blob_path(digest_of('1')), "short", 0600);
    const auto manifest = library.manifest(image);
    CHECK_THROWS_AS((void)library.config(manifest), sys::Error);
    put(library, "a/c:1", '4');
    put(library, "a/d:1", '8');
    CHECK(library.remove("a/d:1"));
    sys::remove_tree_at(AT_FDCWD, library.layer_path(digest_of('4')));
    const auto damaged = library.damaged();
    REQUIRE(damaged.size() == 2);
    CHECK(damaged[0].image.name == "a/b:1");
    CHECK(damaged[0].why.find("has another size") != std::string::npos);
    CHECK(image::mending(damaged[0].image) == "pausa image pull a/b:1 mends it");
    CHECK(damaged[1].why == "the unpacked layer " + digest_of('4') + " is gone");
    // Nobody knows which files these need.
    prune(library);
    CHECK(exists(library.layer_path(digest_of('0'))));
    CHECK(exists(library.layer_path(digest_of('8'))));
    CHECK(library.list().size() == 2);
    CHECK(library.remove("a/b:1"));
    CHECK(library.remove("a/c:1"));
    prune(library);
    CHECK_FALSE(exists(library.layer_path(digest_of('8'))));
    tree.file("images/index.json", "{");
    CHECK_THROWS_AS((void)library.list(), sys::Error);
  }
}
