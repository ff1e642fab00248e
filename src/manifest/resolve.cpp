#include "manifest/resolve.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>
#include <system_error>

namespace pausa::manifest {

namespace {

using pod::Node;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

template <std::size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

// A word counts in three spellings: word, Word, WORD.
bool is_word(std::string_view text, std::string_view lower) {
  const auto to_lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  if (!std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                  [&](char a, char b) { return to_lower(a) == b; })) {
    return false;
  }
  const auto upper =
      std::count_if(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  const bool first = text.front() >= 'A' && text.front() <= 'Z';
  return upper == 0 || (upper == 1 && first) || upper == static_cast<std::ptrdiff_t>(text.size());
}

struct Integer {
  bool negative = false;
  std::uint64_t magnitude = 0;
  bool overflow = false;
};

// [+-] and 0x, 0b, 0o or 0 as the sign of another base, in either case, as Go's strconv has them.
std::optional<Integer> parse_integer(std::string_view text) {
  Integer out;
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
    out.negative = text.front() == '-';
    text.remove_prefix(1);
  }
  int base = 10;
  if (text.size() > 1 && text.front() == '0') {
    const char mark = text[1];
    base = mark == 'x' || mark == 'X' ? 16 : mark == 'b' || mark == 'B' ? 2 : 8;
    text.remove_prefix(is_digit(mark) ? 1 : 2);
    if (base == 8 && !is_digit(mark) && mark != 'o' && mark != 'O') return std::nullopt;
  }
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), out.magnitude, base);
  if (end != text.data() + text.size() || error == std::errc::invalid_argument) return std::nullopt;
  out.overflow = error == std::errc::result_out_of_range;
  return out;
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
bool looks_real(std::string_view text) {
  const auto digits = [&text] {
    std::size_t count = 0;
    for (; !text.empty() && is_digit(text.front()); ++count) text.remove_prefix(1);
    return count;
  };
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) text.remove_prefix(1);
  std::size_t mantissa = digits();
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    mantissa += digits();
  }
  if (mantissa == 0) return false;
  if (!text.empty() && (text.front() == 'e' || text.front() == 'E')) {
    text.remove_prefix(1);
    if (!text.empty() && (text.front() == '+' || text.front() == '-')) text.remove_prefix(1);
    if (digits() == 0) return false;
  }
  return text.empty();
}

Node make(Node::Kind kind, std::string_view text) {
  Node node;
  node.kind = kind;
  node.text = std::string(text);
  return node;
}

// A whole number that fits is an integer, however it is written: JSON knows one kind of number,
// and Kubernetes takes 80.0 for a port.
std::optional<Node> parse_real(std::string_view text, std::string_view literal) {
  if (!looks_real(text)) return std::nullopt;
  if (text.front() == '+') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  // from_chars leaves value alone when it is too large or too small; strtod tells which. Go's
  // ParseFloat, too, refuses the one and takes the other for zero.
  if (error == std::errc::result_out_of_range)
    value = std::strtod(std::string(text).c_str(), nullptr);
  if (!std::isfinite(value)) return std::nullopt;
  Node node = make(Node::Kind::real, literal);
  node.real = value;
  if (node.real == std::trunc(node.real) && std::fabs(node.real) < 0x1p63) {
    node.kind = Node::Kind::integer;
    node.integer = static_cast<std::int64_t>(node.real);
  }
  return node;
}

std::optional<Node> parse_number(std::string_view literal) {
  std::string plain(literal);
  plain.erase(std::remove(plain.begin(), plain.end(), '_'), plain.end());
  if (const auto integer = parse_integer(plain); integer && !integer->overflow) {
    const std::uint64_t limit = std::uint64_t{1} << 63;
    Node node = make(Node::Kind::integer, literal);
    if (integer->negative ? integer->magnitude <= limit : integer->magnitude < limit) {
      node.integer = static_cast<std::int64_t>(integer->negative ? 0 - integer->magnitude
                                                                 : integer->magnitude);
      return node;
    }
    node.kind = Node::Kind::real;
    node.real = static_cast<double>(integer->magnitude) * (integer->negative ? -1 : 1);
    return node;
  }
  return parse_real(plain, literal);
}

// Whether YAML 1.2's core schema reads the text as this very number.
bool core_agrees(std::string_view text, const Node& node) {
  const std::string_view digits = text.substr(text.front() == '+' || text.front() == '-' ? 1 : 0);
  if (!digits.empty() && std::all_of(digits.begin(), digits.end(), is_digit)) {
    const std::string_view number = text.front() == '+' ? digits : text;
    std::int64_t decimal = 0;
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), decimal);
    if (error != std::errc()) return node.kind != Node::Kind::integer;
    return node.kind == Node::Kind::integer && node.integer == decimal;
  }
  if (text.starts_with("0x") || text.starts_with("0o")) {
    return text.find('_') == std::string_view::npos;
  }
  return looks_real(text);
}

}  // namespace

Resolved resolve_plain(std::string_view text) {
  static constexpr std::array<std::string_view, 4> truths = {"true", "yes", "on", "y"};
  static constexpr std::array<std::string_view, 4> falsehoods = {"false", "no", "off", "n"};
  Resolved out;
  if (text.empty() || text == "~" || is_word(text, "null")) {
    out.node = make(Node::Kind::null, text);
    return out;
  }
  const auto means = [text](std::string_view word) { return is_word(text, word); };
  const bool truth = std::any_of(truths.begin(), truths.end(), means);
  if (truth || std::any_of(falsehoods.begin(), falsehoods.end(), means)) {
    out.node = make(Node::Kind::boolean, text);
    out.node.boolean = truth;
    if (!means("true") && !means("false")) {
      const std::string meaning = truth ? "true" : "false";
      out.note = std::string(text) + " is read as the boolean " + meaning +
                 ", as Kubernetes' tooling does; YAML 1.2 reads it as text";
      out.hint = "write " + meaning + ", or \"" + std::string(text) + "\" in quotes for the text";
    }
    return out;
  }
  static constexpr std::array<std::string_view, 12> no_numbers = {
      ".nan",  ".NaN",  ".NAN",  ".inf",  ".Inf",  ".INF",
      "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF"};
  if (is_one_of(text, no_numbers)) {
    out.node = make(Node::Kind::string, text);
    out.not_json = true;
    return out;
  }
  std::optional<Node> number;
  if (is_digit(text.front()) || text.front() == '+' || text.front() == '-') {
    number = parse_number(text);
  } else if (text.front() == '.') {
    number = parse_real(text, text);
  }
  if (!number) {
    out.node = make(Node::Kind::string, text);
    return out;
  }
  out.node = std::move(*number);
  if (!core_agrees(text, out.node)) {
    const std::string meaning = out.node.kind == Node::Kind::integer
                                    ? std::to_string(out.node.integer)
                                    : pod::number_text(out.node.real);
    out.note = std::string(text) + " is read as the number " + meaning +
               ", as Kubernetes' tooling does (YAML 1.1); YAML 1.2 reads it otherwise";
    const bool octal =
        text.size() > 1 && text.front() == '0' && std::all_of(text.begin(), text.end(), is_digit);
    out.hint = octal ? "0o" + std::string(text.substr(1)) + " means the same to both"
                     : "write " + meaning + ", or quote it for the text";
  }
  return out;
}

}  // namespace pausa::manifest
