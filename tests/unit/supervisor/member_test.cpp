#include "supervisor/member_process.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace pausa;
using Words = std::vector<std::string>;

TEST_SUITE("supervisor/unit") {
  // Fields: Container.command Container.args
  TEST_CASE("command replaces ENTRYPOINT and CMD, args replace CMD") {
    image::ImageConfig image;
    image.entrypoint = {"/entry", "-e"};
    image.cmd = {"serve"};
    const auto argv = [&](const Words& command, const Words& args) {
      return supervisor::container_argv(command, args, image);
    };
    CHECK(argv({}, {}) == Words{"/entry", "-e", "serve"});
    CHECK(argv({}, {"check", "-v"}) == Words{"/entry", "-e", "check", "-v"});
    CHECK(argv({"/mine"}, {}) == Words{"/mine"});
    CHECK(argv({"/mine"}, {"check"}) == Words{"/mine", "check"});
    image.entrypoint.clear();
    CHECK(argv({}, {}) == Words{"serve"});
    image.cmd.clear();
    CHECK_THROWS(argv({}, {}));
  }
}
