#include "pod/node.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace pausa::pod {

namespace {

template <typename Map>
auto* find_in(Map& map, std::string_view key) {
  const auto at = std::find_if(map.entries.begin(), map.entries.end(),
                               [key](const Entry& entry) { return entry.key == key; });
  return at == map.entries.end() ? nullptr : &*at;
}

}  // namespace

Node Node::make_string(std::string value) {
  Node node;
  node.kind = Kind::string;
  node.quoted = true;
  node.text = std::move(value);
  return node;
}

Node Node::make_integer(std::int64_t value) {
  Node node;
  node.kind = Kind::integer;
  node.integer = value;
  node.text = std::to_string(value);
  return node;
}

Node Node::make_real(double value) {
  Node node;
  node.kind = Kind::real;
  node.real = value;
  node.text = number_text(value);
  return node;
}

Node Node::make_boolean(bool value) {
  Node node;
  node.kind = Kind::boolean;
  node.boolean = value;
  node.text = value ? "true" : "false";
  return node;
}

Node Node::make_list() {
  Node node;
  node.kind = Kind::list;
  return node;
}

Node Node::make_map() {
  Node node;
  node.kind = Kind::map;
  return node;
}

const Node* Node::find(std::string_view key) const {
  const Entry* const entry = find_entry(key);
  return entry ? &entry->value : nullptr;
}

Node* Node::find(std::string_view key) {
  if (!is_map()) return nullptr;
  Entry* const entry = find_in(*this, key);
  return entry ? &entry->value : nullptr;
}

const Entry* Node::find_entry(std::string_view key) const {
  return is_map() ? find_in(*this, key) : nullptr;
}

Node& Node::set(std::string_view key) {
  if (is_null()) kind = Kind::map;
  if (Node* const value = find(key)) return *value;
  return entries.emplace_back(Entry{std::string(key), {}, {}}).value;
}

Node& Node::set(std::string_view key, Node value) {
  return set(key) = std::move(value);
}

void Node::push(Node value) {
  items.push_back(std::move(value));
}

bool operator==(const Node& a, const Node& b) {
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case Node::Kind::null:
      return true;
    case Node::Kind::boolean:
      return a.boolean == b.boolean;
    case Node::Kind::integer:
      return a.integer == b.integer;
    case Node::Kind::real:
      return a.real == b.real;
    case Node::Kind::string:
      return a.text == b.text;
    case Node::Kind::list:
      return a.items == b.items;
    case Node::Kind::map:
      return std::equal(
          a.entries.begin(), a.entries.end(), b.entries.begin(), b.entries.end(),
          [](const Entry& x, const Entry& y) { return x.key == y.key && x.value == y.value; });
  }
  return false;
}

std::string_view kind_name(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::null:
      return "null";
    case Node::Kind::boolean:
      return "a boolean";
    case Node::Kind::integer:
      return "an integer";
    case Node::Kind::real:
      return "a number";
    case Node::Kind::string:
      return "a string";
    case Node::Kind::list:
      return "a list";
    case Node::Kind::map:
      return "a map";
  }
  return {};
}

std::string number_text(double value) {
  std::array<char, 32> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  std::string text(buffer.data(), end);
  // A whole number keeps its point, so that it reads back as a real one; what no integer can hold
  // does so anyway.
  const bool whole = text.find_first_of(".eni") == std::string::npos;
  if (whole && std::fabs(value) < 0x1p63) text += ".0";
  return text;
}

}  // namespace pausa::pod
