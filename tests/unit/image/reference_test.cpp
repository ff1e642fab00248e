#include "image/reference.hpp"

#include <doctest/doctest.h>

using namespace pausa;

namespace {

const std::string digest = "sha256:" + std::string(64, 'a');

std::string full(const std::string& text) {
  const auto parsed = image::parse_reference(text);
  const auto* reference = std::get_if<image::Reference>(&parsed);
  return reference != nullptr ? reference->full() : "fault: " + std::get<std::string>(parsed);
}

bool refused(const std::string& text) {
  return full(text).starts_with("fault: ");
}

}  // namespace

TEST_SUITE("image/reference") {
  TEST_CASE("registry, repository, tag and digest are told apart as containers' tools do") {
    CHECK(full("nginx") == "nginx:latest");
    CHECK(full("team/app:1") == "team/app:1");
    CHECK(full("docker.io/nginx") == "docker.io/library/nginx:latest");
    CHECK(full("index.docker.io/nginx:1") == "docker.io/library/nginx:1");
    CHECK(full("docker.io/team/app") == "docker.io/team/app:latest");
    CHECK(full("localhost/app") == "localhost/app:latest");
    CHECK(full("localhost:5000/app:2") == "localhost:5000/app:2");
    CHECK(full("[::1]:5000/app:2") == "[::1]:5000/app:2");
    CHECK(full("quay.io/a/b/c@" + digest) == "quay.io/a/b/c@" + digest);
    CHECK(full("quay.io/a:1@" + digest) == "quay.io/a:1@" + digest);
    CHECK(full("a__b/c-----d.e_f") == "a__b/c-----d.e_f:latest");
  }

  TEST_CASE("malformed names are refused") {
    for (const char* text : {"",
                             "/",
                             "a/",
                             "/a",
                             "a//b",
                             "A",
                             "a/B",
                             "a..b",
                             "a___b",
                             "-a",
                             "a-",
                             "a:",
                             "a:-x",
                             "a@",
                             "a@sha256:short",
                             "a@md5:00000000000000000000000000000000",
                             "bad_host.com:99999999/a",
                             "a.b:x/c",
                             " a",
                             "a b",
                             "a:b:c"})
      CHECK_MESSAGE(refused(text), text);
    CHECK(refused("a@SHA256:" + std::string(64, 'a')));
    CHECK(refused("a@sha256:" + std::string(64, 'A')));
    CHECK(refused("a@sha256:../../" + std::string(58, 'a')));
    CHECK(refused("a:" + std::string(129, 't')));
    CHECK(refused("example.com/" + std::string(255, 'n')));
    CHECK(full("Upper/case") == "fault: the name must be lower-case");
  }

  TEST_CASE("an alias is the one below [aliases], in any spacing") {
    const std::string text =
        "unqualified-search-registries = []\n\"nginx\" = \"not/here\"\n[aliases]\n  # web\n"
        "  \"nginx\" = \"docker.io/library/nginx\"\n'fedora'='registry.fedoraproject.org/fedora'\n"
        "broken = \n[other]\n\"late\" = \"x/y\"\n";
    CHECK(image::find_alias(text, "nginx") == "docker.io/library/nginx");
    CHECK(image::find_alias(text, "fedora") == "registry.fedoraproject.org/fedora");
    CHECK_FALSE(image::find_alias(text, "late"));
    CHECK_FALSE(image::find_alias(text, "broken"));
    CHECK_FALSE(image::find_alias("", "nginx"));
  }
}
