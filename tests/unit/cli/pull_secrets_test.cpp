#include "cli/pull_secrets.hpp"

#include "pod/base64.hpp"

#include <doctest/doctest.h>

using namespace pausa;

namespace {

pod::Object secret(const std::string& key, const std::string& text) {
  pod::Object object;
  object.kind = pod::ObjectKind::secret;
  object.data = {{key, text}};
  return object;
}

std::vector<std::string> logins(const std::string& image, const std::vector<pod::Object>& secrets) {
  return cli::logins_for(std::get<image::Reference>(image::parse_reference(image)), secrets);
}

std::string file(const std::string& registry, const std::string& auth) {
  return R"({"auths":{")" + registry + R"(":{"auth":")" + auth + R"("}}})";
}

}  // namespace

TEST_SUITE("cli/pull-secrets") {
  TEST_CASE("a login counts for its registry and what is below its path, the nearest first") {
    const auto all = secret(".dockerconfigjson", R"({"auths": {
      "quay.io": {"auth": "YQ=="},
      "https://quay.io/team": {"auth": "Yg=="},
      "quay.io:8443": {"auth": "Yw=="},
      "quay.io/teams": {"auth": "ZA=="}}})");
    CHECK(logins("quay.io/team/app:1", {all}) ==
          std::vector{file("quay.io", "Yg=="), file("quay.io", "YQ==")});
    CHECK(logins("quay.io:8443/team/app:1", {all}) == std::vector{file("quay.io:8443", "Yw==")});
    CHECK(logins("example.com/team/app:1", {all}).empty());
  }

  TEST_CASE("names and passwords, the older kind of secret, Docker's own spelling") {
    const auto old = secret(
        ".dockercfg", R"({"https://index.docker.io/v1/": {"username": "u", "password": "p"}})");
    CHECK(logins("docker.io/library/web:1", {old}) ==
          std::vector{file("docker.io", pod::to_base64("u:p"))});
  }

  TEST_CASE("secrets are tried in their order; a star stands for a part of a host") {
    const auto one =
        secret(".dockerconfigjson", R"({"auths": {"*.example.com": {"auth": "YQ=="}}})");
    const auto two =
        secret(".dockerconfigjson", R"({"auths": {"a.example.com": {"auth": "Yg=="}}})");
    CHECK(logins("a.example.com/x:1", {one, two}) ==
          std::vector{file("a.example.com", "YQ=="), file("a.example.com", "Yg==")});
    CHECK(logins("a.b.example.com/x:1", {one, two}).empty());
  }

  TEST_CASE("what is no document holds no login") {
    CHECK(logins("a.b/x",
                 {secret(".dockerconfigjson", "[]"), secret(".dockercfg", "{"),
                  secret("other", "{}"), secret(".dockerconfigjson", R"({"auths": {"a.b": "x"}})")})
              .empty());
  }
}
