// One step through UTF-8 text. Pure; shared by the reader (which refuses bad bytes at their place)
// and by the printers (which must not pass them on).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pausa::pod {

struct CodePoint {
  char32_t value = 0;
  std::size_t length = 1;  // bytes; 1 when not valid
  bool valid = false;      // no overlong form, no surrogate, not above U+10FFFF (RFC 3629)
};

// at must be less than text.size().
CodePoint decode_utf8(std::string_view text, std::size_t at);
void append_utf8(std::string& out, char32_t value);
// What YAML calls printable, line breaks and tab included, the byte order mark not.
bool is_printable(char32_t value);

}  // namespace pausa::pod
