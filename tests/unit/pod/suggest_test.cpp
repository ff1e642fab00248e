#include "pod/suggest.hpp"

#include <doctest/doctest.h>

#include <string>

using pausa::pod::closest;
using pausa::pod::edit_distance;

TEST_SUITE("pod/unit") {
  TEST_CASE("an edit costs two, a swap of neighbours one edit, a change of case half") {
    CHECK(edit_distance("image", "image") == 0);
    CHECK(edit_distance("imge", "image") == 2);
    CHECK(edit_distance("images", "image") == 2);
    CHECK(edit_distance("imaeg", "image") == 2);
    CHECK(edit_distance("imagx", "image") == 2);
    CHECK(edit_distance("Image", "image") == 1);
    CHECK(edit_distance("", "abc") == 6);
  }

  TEST_CASE("the nearest candidate is suggested, and none that is far") {
    constexpr std::string_view fields[] = {"command", "args", "image", "imagePullPolicy", "tty"};
    CHECK(closest("comand", fields) == "command");
    CHECK(closest("Image", fields) == "image");
    CHECK(closest("COMMAND", fields) == "command");
    CHECK(closest("imagePulPolcy", fields) == "imagePullPolicy");
    CHECK_FALSE(closest("livenessProbe", fields));
    CHECK_FALSE(closest("", fields));
    CHECK_FALSE(closest(std::string(100'000, 'x'), fields));
  }
}
