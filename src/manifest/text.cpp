#include "manifest/text.hpp"

#include "pod/utf8.hpp"

#include <algorithm>
#include <array>

namespace pausa::manifest {

namespace {

constexpr std::string_view utf8_bom = "\xEF\xBB\xBF";

// Not a continuation byte of UTF-8.
bool begins_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

std::string hex_byte(unsigned char byte) {
  static constexpr std::string_view digits = "0123456789abcdef";
  return {'0', 'x', digits[byte >> 4], digits[byte & 0xF]};
}

}  // namespace

std::string normalise_lines(std::string_view text) {
  if (text.starts_with(utf8_bom)) text.remove_prefix(utf8_bom.size());
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r') {
      out += text[i];
    } else if (i + 1 == text.size() || text[i + 1] != '\n') {
      out += '\n';
    }
  }
  return out;
}

std::optional<Problem> find_bad_byte(std::string_view text) {
  using namespace std::string_view_literals;
  if (text.starts_with("\xFF\xFE"sv) || text.starts_with("\xFE\xFF"sv) ||
      text.starts_with("\0\0\xFE\xFF"sv)) {
    return Problem{0, "the text is UTF-16 or UTF-32 (it starts with a byte order mark)",
                   "save it as UTF-8"};
  }
  for (std::size_t at = 0; at < text.size();) {
    const pod::CodePoint point = pod::decode_utf8(text, at);
    if (!point.valid) {
      return Problem{
          at,
          "the byte " + hex_byte(static_cast<unsigned char>(text[at])) + " is not valid UTF-8 here",
          "save the file as UTF-8"};
    }
    if (!pod::is_printable(point.value)) {
      return Problem{at,
                     "a control character (" +
                         (point.value == 0xFEFF
                              ? std::string("a byte order mark")
                              : hex_byte(static_cast<unsigned char>(text[at + point.length - 1]))) +
                         ") is not allowed here",
                     "inside double quotes it can be written as an escape (\"\\x1b\")"};
    }
    at += point.length;
  }
  return std::nullopt;
}

LineIndex::LineIndex(std::string_view text) : text_(text), starts_{0} {
  std::size_t characters = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (at % stride == 0) characters_.push_back(characters);
    characters += begins_character(text[at]) ? 1 : 0;
    if (text[at] == '\n') starts_.push_back(at + 1);
  }
  characters_.push_back(characters);
}

std::size_t LineIndex::characters_before(std::size_t offset) const {
  const auto from = text_.begin() + static_cast<std::ptrdiff_t>(offset / stride * stride);
  const auto to = text_.begin() + static_cast<std::ptrdiff_t>(offset);
  return characters_[offset / stride] +
         static_cast<std::size_t>(std::count_if(from, to, begins_character));
}

pod::Mark LineIndex::mark(std::size_t offset) const {
  offset = std::min(offset, text_.size());
  const auto after = std::upper_bound(starts_.begin(), starts_.end(), offset);
  const std::size_t columns = characters_before(offset) - characters_before(*(after - 1));
  return {static_cast<std::uint32_t>(after - starts_.begin()),
          static_cast<std::uint32_t>(columns + 1)};
}

std::string_view LineIndex::line(std::size_t line) const {
  if (line == 0 || line > starts_.size()) return {};
  const std::size_t start = starts_[line - 1];
  return text_.substr(start, text_.find('\n', start) - start);
}

std::string place(pod::Mark mark) {
  return std::to_string(mark.line) + ":" + std::to_string(mark.column);
}

pod::Diagnostic syntax_error(pod::Mark mark, std::string text, std::string hint) {
  pod::Diagnostic diagnostic;
  diagnostic.kind = pod::ErrorKind::syntax;
  diagnostic.mark = mark;
  diagnostic.text = std::move(text);
  diagnostic.hint = std::move(hint);
  return diagnostic;
}

}  // namespace pausa::manifest
