#include "pod/value.hpp"

#include "pod/suggest.hpp"

#include <array>
#include <cmath>

namespace pausa::pod {

Value Value::child(const Node* node, std::string path) const {
  const bool placed = node && node->mark.line != 0;
  return Value(node, std::move(path), placed ? node->mark : mark_);
}

Value Value::operator[](std::string_view field) const {
  std::string path = path_;
  if (!path.empty()) path += '.';
  path += field;
  return child(node_ ? node_->find(field) : nullptr, std::move(path));
}

Value Value::operator[](const Entry& entry) const {
  std::string path = path_;
  if (!path.empty()) path += '.';
  path += entry.key;
  return child(&entry.value, std::move(path));
}

Value Value::key(std::string_view name) const {
  return child(node_ ? node_->find(name) : nullptr, path_ + '[' + std::string(name) + ']');
}

Value Value::at(std::size_t index) const {
  const bool there = node_ && node_->is_list() && index < node_->items.size();
  return child(there ? &node_->items[index] : nullptr, path_ + '[' + std::to_string(index) + ']');
}

std::size_t Value::size() const {
  if (!node_) return 0;
  if (node_->is_list()) return node_->items.size();
  return node_->is_map() ? node_->entries.size() : 0;
}

std::vector<Value> Value::items() const {
  std::vector<Value> out;
  if (!node_ || !node_->is_list()) return out;
  out.reserve(node_->items.size());
  for (std::size_t i = 0; i < node_->items.size(); ++i) out.push_back(at(i));
  return out;
}

std::vector<std::pair<std::string_view, Value>> Value::entries() const {
  std::vector<std::pair<std::string_view, Value>> out;
  if (!node_ || !node_->is_map()) return out;
  out.reserve(node_->entries.size());
  for (const Entry& entry : node_->entries)
    out.emplace_back(entry.key, child(&entry.value, path_ + '[' + entry.key + ']'));
  return out;
}

std::string_view Value::text() const {
  return node_ && node_->is_string() ? std::string_view(node_->text) : std::string_view{};
}

std::optional<std::int64_t> Value::integer() const {
  if (!node_) return std::nullopt;
  if (node_->kind == Node::Kind::integer) return node_->integer;
  // 2^63 itself has no int64; every whole double below it has.
  constexpr double limit = 9223372036854775808.0;
  if (node_->kind != Node::Kind::real || std::trunc(node_->real) != node_->real ||
      node_->real < -limit || node_->real >= limit)
    return std::nullopt;
  return static_cast<std::int64_t>(node_->real);
}

std::optional<bool> Value::truth() const {
  if (!node_ || node_->kind != Node::Kind::boolean) return std::nullopt;
  return node_->boolean;
}

std::optional<Quantity> Value::quantity() const {
  if (!node_) return std::nullopt;
  switch (node_->kind) {
    case Node::Kind::integer:
      return Quantity(node_->integer);
    case Node::Kind::real:
      return parse_quantity(number_text(node_->real));
    case Node::Kind::string:
      return parse_quantity(node_->text);
    default:
      return std::nullopt;
  }
}

std::string Value::shown() const {
  if (!present()) return "null";
  switch (node_->kind) {
    case Node::Kind::string:
      return quoted(node_->text);
    case Node::Kind::integer:
      return std::to_string(node_->integer);
    default:
      return to_json(*node_);
  }
}

std::string concat(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts) out += part;
  return out;
}

std::string quoted(std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += hex[byte >> 4];
      out += hex[byte & 0xf];
    } else {
      out += c;
    }
  }
  return out + '"';
}

Diagnostic& Findings::add(const Value& at, ErrorKind kind, std::string shown, std::string text) {
  Diagnostic& added = list_.emplace_back();
  added.kind = kind;
  added.mark = at.mark();
  added.path = at.path();
  added.value = std::move(shown);
  added.text = std::move(text);
  return added;
}

void Findings::required(const Value& at, std::string text) {
  add(at, ErrorKind::required, {}, std::move(text));
}

void Findings::invalid(const Value& at, std::string text) {
  // A whole object would bury the sentence; its place in the source is shown anyway.
  const bool object = at.present() && at.node()->is_map();
  add(at, ErrorKind::invalid, object ? "" : (at.present() ? at.shown() : "\"\""), std::move(text));
}

void Findings::invalid(const Value& at, std::string shown, std::string text) {
  add(at, ErrorKind::invalid, std::move(shown), std::move(text));
}

void Findings::unsupported(const Value& at, Names supported) {
  std::string text = "supported values: ";
  for (std::size_t i = 0; i < supported.size(); ++i)
    text += (i == 0 ? "" : ", ") + quoted(supported[i]);
  Diagnostic& added =
      add(at, ErrorKind::unsupported, at.present() ? at.shown() : "\"\"", std::move(text));
  const auto near = closest(at.text(), supported);
  if (near && *near != at.text()) added.hint = "did you mean " + quoted(*near) + "?";
}

void Findings::duplicate(const Value& at, std::string shown) {
  add(at, ErrorKind::duplicate, std::move(shown), {});
}

void Findings::forbidden(const Value& at, std::string text) {
  add(at, ErrorKind::forbidden, {}, std::move(text));
}

void Findings::not_found(const Value& at, std::string text) {
  add(at, ErrorKind::not_found, at.present() ? at.shown() : "\"\"", std::move(text));
}

void Findings::too_long(const Value& at, std::size_t most_bytes) {
  add(at, ErrorKind::too_long, {}, "may not be more than " + std::to_string(most_bytes) + " bytes");
}

void Findings::too_many(const Value& at, std::size_t most_items) {
  add(at, ErrorKind::too_many, std::to_string(at.size()),
      "must have at most " + std::to_string(most_items) + " items");
}

void Findings::type(const Value& at, std::string text, std::string hint) {
  add(at, ErrorKind::type_invalid, at.present() ? at.shown() : "null", std::move(text)).hint =
      std::move(hint);
}

void Findings::unknown(const Value& map, const Entry& entry, std::string hint) {
  Diagnostic& added = add(map[entry], ErrorKind::unknown_field, {}, {});
  if (entry.key_mark.line != 0) added.mark = entry.key_mark;
  added.hint = std::move(hint);
}

void Findings::warn(const Value& at, std::string text) {
  add(at, ErrorKind::none, {}, std::move(text)).severity = Severity::warning;
}

void Findings::note(const Value& at, std::string text) {
  add(at, ErrorKind::none, {}, std::move(text)).severity = Severity::note;
}

void Findings::hint(std::string text) {
  if (!list_.empty()) list_.back().hint = std::move(text);
}

}  // namespace pausa::pod
