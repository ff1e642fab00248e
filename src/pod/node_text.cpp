// to_json and to_yaml.
#include "pod/node.hpp"
#include "pod/utf8.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace pausa::pod {

namespace {

// JSON's escapes are a subset of those of YAML's double quotes, so one function serves both. What
// YAML counts as unprintable or as a line break is escaped too: our output is our input again.
std::string quote(std::string_view text) {
  static constexpr std::string_view hex = "0123456789abcdef";
  std::string out = "\"";
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = decode_utf8(text, at);
    const char32_t value = point.valid ? point.value : 0xFFFD;
    if (value == '"' || value == '\\') {
      (out += '\\') += static_cast<char>(value);
    } else if (value == '\n') {
      out += "\\n";
    } else if (value == '\t') {
      out += "\\t";
    } else if (value == '\r') {
      out += "\\r";
    } else if (!is_printable(value) || value == 0x85 || value == 0x2028 || value == 0x2029) {
      out += "\\u";
      for (unsigned shift = 16; shift > 0;) {
        shift -= 4;
        out += hex[(value >> shift) & 0xF];
      }
    } else {
      append_utf8(out, value);
    }
    at += point.length;
  }
  return out += '"';
}

std::string json_scalar(const Node& node) {
  switch (node.kind) {
    case Node::Kind::boolean:
      return node.boolean ? "true" : "false";
    case Node::Kind::integer:
      return std::to_string(node.integer);
    case Node::Kind::real:
      return std::isfinite(node.real) ? number_text(node.real) : "null";
    case Node::Kind::string:
      return quote(node.text);
    default:
      return "null";
  }
}

void write_json(std::string& out, const Node& node, int indent, int level) {
  const auto new_line = [&](int depth) {
    if (indent > 0) (out += '\n').append(static_cast<std::size_t>(indent * depth), ' ');
  };
  if (node.is_map()) {
    out += '{';
    for (std::size_t i = 0; i < node.entries.size(); ++i) {
      if (i > 0) out += ',';
      new_line(level + 1);
      out += quote(node.entries[i].key);
      out += indent > 0 ? ": " : ":";
      write_json(out, node.entries[i].value, indent, level + 1);
    }
    if (!node.entries.empty()) new_line(level);
    out += '}';
  } else if (node.is_list()) {
    out += '[';
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      if (i > 0) out += ',';
      new_line(level + 1);
      write_json(out, node.items[i], indent, level + 1);
    }
    if (!node.items.empty()) new_line(level);
    out += ']';
  } else {
    out += json_scalar(node);
  }
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Whether a string may stand without quotes: a deliberately small set, none of which YAML 1.1 or
// 1.2 reads as anything but a string.
bool may_stand_plain(std::string_view text) {
  static constexpr std::array<std::string_view, 9> words = {"true", "false", "yes", "no", "on",
                                                            "off",  "null",  "y",   "n"};
  if (text.empty() || text.back() == ' ' || text.back() == ':') return false;
  bool number_like = is_digit(text.front());
  if (!number_like && !is_letter(text.front()) && text.front() != '/' && text.front() != '_') {
    return false;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ':' ? text[i + 1] == ' '
                 : !is_letter(c) && !is_digit(c) &&
                       std::string_view("_./@+=- ").find(c) == std::string_view::npos) {
      return false;
    }
    // Digits, '_', "0x", "0o", "0b" and exponents make numbers; any other letter rules one out.
    if (is_letter(c) && std::string_view("abcdefoxABCDEFOX").find(c) == std::string_view::npos) {
      number_like = false;
    }
  }
  if (number_like) return false;
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return std::find(words.begin(), words.end(), lower) == words.end();
}

bool may_stand_literal(std::string_view text) {
  if (text.find('\n') == std::string_view::npos || text.front() == ' ' || text.front() == '\t' ||
      text.front() == '\n') {
    return false;
  }
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = decode_utf8(text, at);
    const char32_t c = point.value;
    if (!point.valid || !is_printable(c) || c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029) {
      return false;
    }
    at += point.length;
  }
  return true;
}

std::string yaml_key(std::string_view text) {
  return may_stand_plain(text) ? std::string(text) : quote(text);
}

void write_literal(std::string& out, std::string_view text, std::size_t indent) {
  const bool ends = text.back() == '\n';
  const bool keeps = ends && text.size() > 1 && text[text.size() - 2] == '\n';
  out += keeps ? "|+" : ends ? "|" : "|-";
  if (ends) text.remove_suffix(1);
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    out += '\n';
    if (end > at) out.append(indent, ' ').append(text.substr(at, end - at));
    at = end + 1;
  }
  out += '\n';
}

// Writes the value after "key:" or "-" (bullet), the line break included. indent is the column of
// that key or bullet.
void write_yaml(std::string& out, const Node& node, std::size_t indent, bool bullet, bool root) {
  if (node.is_map() && !node.entries.empty()) {
    const std::size_t column = root ? 0 : indent + 2;
    if (!root) out += bullet ? ' ' : '\n';
    for (std::size_t i = 0; i < node.entries.size(); ++i) {
      if (!(bullet && i == 0)) out.append(column, ' ');
      out += yaml_key(node.entries[i].key) + ':';
      write_yaml(out, node.entries[i].value, column, false, false);
    }
  } else if (node.is_list() && !node.items.empty()) {
    const std::size_t column = root ? 0 : bullet ? indent + 2 : indent;
    if (!root) out += bullet ? ' ' : '\n';
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      if (!(bullet && i == 0)) out.append(column, ' ');
      out += '-';
      write_yaml(out, node.items[i], column, true, false);
    }
  } else {
    if (!root) out += ' ';
    if (node.is_string() && may_stand_literal(node.text)) {
      write_literal(out, node.text, root ? 2 : indent + 2);
      return;
    }
    if (node.is_map()) {
      out += "{}";
    } else if (node.is_list()) {
      out += "[]";
    } else if (node.is_string() && may_stand_plain(node.text)) {
      out += node.text;
    } else {
      out += json_scalar(node);
    }
    out += '\n';
  }
}

}  // namespace

std::string to_json(const Node& node, int indent) {
  std::string out;
  write_json(out, node, indent, 0);
  return out;
}

std::string to_yaml(const Node& node) {
  std::string out;
  write_yaml(out, node, 0, false, true);
  return out;
}

}  // namespace pausa::pod
