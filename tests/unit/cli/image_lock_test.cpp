#include "cli/image_lock.hpp"

#include "sys/error.hpp"

#include <doctest/doctest.h>

using namespace pausa;

TEST_SUITE("cli/image_lock") {
  const std::string digest = "sha256:" + std::string(64, 'a');

  TEST_CASE("a lock comes back from its text, sorted") {
    const cli::ImageDigests digests{{"nginx:1", digest}, {"example.com/a", digest}};
    const auto text = cli::image_lock_text("web.yaml", digests);
    CHECK(text ==
          "# What the images of web.yaml are: pausa image lock has written it.\n"
          "example.com/a " +
              digest + "\nnginx:1 " + digest + "\n");
    CHECK(cli::parse_image_lock(text) == digests);
    CHECK(cli::parse_image_lock("").empty());
    CHECK(cli::parse_image_lock("\n# words\n\n").empty());
    CHECK(cli::parse_image_lock("a/b:1 " + digest).size() == 1);
  }

  TEST_CASE("what is no lock is refused by its line") {
    for (const auto& text : std::vector<std::string>{
             "a/b:1", "a/b:1 ", "a/b:1 sha256:1", "A/b " + digest, "a/b@" + digest + " " + digest,
             "host: " + digest, "oci:/x:1 " + digest, "a/b  " + digest, "a/b " + digest + " ",
             "a/b " + digest + "\r"}) {
      CAPTURE(text);
      CHECK_THROWS_AS((void)cli::parse_image_lock("# one\n" + text + "\n"), sys::Error);
    }
    CHECK_THROWS_WITH_AS((void)cli::parse_image_lock("a/b " + digest + "\na/b " + digest + "\n"),
                         "line 2: \"a/b\" stands there twice", sys::Error);
  }
}
