// Reads strict JSON (RFC 8259) into a pod::Node, for tests that have their input as JSON. Throws
// std::runtime_error with the offset of the fault. Marks stay empty.
#pragma once

#include "pod/node.hpp"

#include <charconv>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace pausa::test {

class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {}

  pod::Node read() {
    pod::Node node = value(0);
    skip_blanks();
    if (at_ != text_.size()) fail("text after the value");
    return node;
  }

 private:
  static constexpr int deepest = 200;

  [[noreturn]] void fail(const std::string& what) const {
    throw std::runtime_error("JSON: " + what + " at offset " + std::to_string(at_));
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_blanks() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }
  bool take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  void expect(char c) {
    skip_blanks();
    if (peek() != c) fail(std::string("no '") + c + "'");
    ++at_;
  }

  pod::Node value(int depth) {
    if (depth > deepest) fail("too deep");
    skip_blanks();
    if (peek() == '{') return map(depth);
    if (peek() == '[') return list(depth);
    if (peek() == '"') return pod::Node::make_string(string());
    if (take("true")) return pod::Node::make_boolean(true);
    if (take("false")) return pod::Node::make_boolean(false);
    if (take("null")) return {};
    return number();
  }

  pod::Node map(int depth) {
    pod::Node node = pod::Node::make_map();
    expect('{');
    skip_blanks();
    if (take("}")) return node;
    for (;;) {
      skip_blanks();
      std::string key = string();
      if (node.find(key)) fail("a second \"" + key + "\"");
      expect(':');
      node.set(key, value(depth + 1));
      skip_blanks();
      if (take("}")) return node;
      expect(',');
    }
  }

  pod::Node list(int depth) {
    pod::Node node = pod::Node::make_list();
    expect('[');
    skip_blanks();
    if (take("]")) return node;
    for (;;) {
      node.push(value(depth + 1));
      skip_blanks();
      if (take("]")) return node;
      expect(',');
    }
  }

  pod::Node number() {
    const std::size_t end = std::min(text_.find_first_not_of("+-.0123456789eE", at_), text_.size());
    const std::string_view literal = text_.substr(at_, end - at_);
    const char* const last = literal.data() + literal.size();
    std::int64_t integer = 0;
    double real = 0;
    if (literal.empty() || literal.front() == '+') fail("no value");
    pod::Node node;
    if (const auto whole = std::from_chars(literal.data(), last, integer);
        whole.ec == std::errc{} && whole.ptr == last) {
      node = pod::Node::make_integer(integer);
    } else if (const auto part = std::from_chars(literal.data(), last, real);
               part.ec == std::errc{} && part.ptr == last) {
      node = pod::Node::make_real(real);
    } else {
      fail("bad number");
    }
    at_ = end;
    return node;
  }

  std::string string() {
    if (peek() != '"') fail("no string");
    ++at_;
    std::string out;
    for (;;) {
      const char c = peek();
      if (at_ >= text_.size() || static_cast<unsigned char>(c) < 0x20) fail("unterminated string");
      ++at_;
      if (c == '"') return out;
      if (c == '\\')
        escape(out);
      else
        out += c;
    }
  }

  void escape(std::string& out) {
    static constexpr std::string_view letters = "\"\\/bfnrt";
    static constexpr std::string_view bytes = "\"\\/\b\f\n\r\t";
    const char c = peek();
    ++at_;
    if (const std::size_t found = letters.find(c); found != std::string_view::npos) {
      out += bytes[found];
    } else if (c == 'u') {
      std::uint32_t point = code_unit();
      if (point >= 0xd800 && point < 0xdc00) {
        if (!take("\\u")) fail("half a surrogate pair");
        point = 0x10000 + ((point - 0xd800) << 10) + (code_unit() - 0xdc00);
      }
      append_utf8(out, point);
    } else {
      fail("bad escape");
    }
  }

  std::uint32_t code_unit() {
    std::uint32_t unit = 0;
    const std::string_view digits = text_.substr(std::min(at_, text_.size()), 4);
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), unit, 16);
    if (digits.size() != 4 || parsed.ptr != digits.data() + 4) fail("bad \\u escape");
    at_ += 4;
    return unit;
  }

  static void append_utf8(std::string& out, std::uint32_t point) {
    const auto byte = [&out](std::uint32_t bits) { out += static_cast<char>(bits); };
    if (point < 0x80) return byte(point);
    if (point < 0x800) {
      byte(0xc0 | point >> 6);
    } else if (point < 0x10000) {
      byte(0xe0 | point >> 12);
      byte(0x80 | (point >> 6 & 0x3f));
    } else {
      byte(0xf0 | point >> 18);
      byte(0x80 | (point >> 12 & 0x3f));
      byte(0x80 | (point >> 6 & 0x3f));
    }
    byte(0x80 | (point & 0x3f));
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

inline pod::Node read_json(std::string_view text) {
  return JsonReader(text).read();
}

inline std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace pausa::test
