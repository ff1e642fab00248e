#include "pod/utf8.hpp"

#include <doctest/doctest.h>

#include <string>

using pausa::pod::append_utf8;
using pausa::pod::decode_utf8;

TEST_SUITE("pod/unit") {
  TEST_CASE("every scalar value survives encoding and decoding") {
    for (char32_t value = 0; value <= 0x10FFFF; ++value) {
      if (value == 0xD800) value = 0xE000;
      std::string text;
      append_utf8(text, value);
      const auto point = decode_utf8(text, 0);
      if (!point.valid || point.value != value || point.length != text.size()) {
        FAIL("U+" << static_cast<std::uint32_t>(value));
      }
    }
  }

  TEST_CASE("overlong forms, surrogates, cut sequences and stray bytes are not valid") {
    for (const std::string_view text :
         {"\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\x80", "\xE2\x82", "\xC3", "\xFF"}) {
      CAPTURE(text);
      const auto point = decode_utf8(text, 0);
      CHECK_FALSE(point.valid);
      CHECK(point.length == 1);
    }
  }
}
