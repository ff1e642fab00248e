// A value tree with source marks: what a manifest says, before it is a pod::Spec. JSON's data model
// (null, boolean, integer, real, string, list, map with ordered keys). The manifest room makes it
// from YAML; validation and decoding read it; `inspect` prints it. Pure values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pausa::pod {

// A place in a source file, 1-based; line 0 means "no place" (a value that we made up).
struct Mark {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

struct Entry;

struct Node {
  enum class Kind : std::uint8_t { null, boolean, integer, real, string, list, map };

  Kind kind = Kind::null;
  bool quoted = false;         // a string that stood in quotes or in a block scalar
  bool boolean = false;        // kind == boolean
  std::int64_t integer = 0;    // kind == integer
  double real = 0;             // kind == real
  std::string text;            // string: its value; other scalars: the literal text as written
  std::vector<Node> items;     // kind == list
  std::vector<Entry> entries;  // kind == map, in the order of the source, keys unique
  Mark mark;                   // of the value

  static Node make_string(std::string value);
  static Node make_integer(std::int64_t value);
  static Node make_real(double value);
  static Node make_boolean(bool value);
  static Node make_list();
  static Node make_map();

  bool is_null() const { return kind == Kind::null; }
  bool is_string() const { return kind == Kind::string; }
  bool is_list() const { return kind == Kind::list; }
  bool is_map() const { return kind == Kind::map; }

  // The value under key, or nullptr when this is no map or has no such key.
  const Node* find(std::string_view key) const;
  Node* find(std::string_view key);
  const Entry* find_entry(std::string_view key) const;
  // The value under key, made (as null) when absent; turns a null node into a map first.
  Node& set(std::string_view key);
  Node& set(std::string_view key, Node value);
  void push(Node value);
};

struct Entry {
  std::string key;
  Mark key_mark;
  Node value;
};

// Equal as values: marks, quoting and the literal text of numbers do not count, the order of keys
// does.
bool operator==(const Node& a, const Node& b);

// "a string", "an integer", … for messages.
std::string_view kind_name(Node::Kind kind);

// The shortest decimal text that reads back as the same real number.
std::string number_text(double value);

// JSON text of the tree; indent 0 gives one line, otherwise that many blanks per level. Text is
// UTF-8; bytes that are not become U+FFFD, a number that JSON cannot say (infinity) becomes null.
std::string to_json(const Node& node, int indent = 0);
// YAML block style that reads back as the same tree (strings are quoted where YAML 1.1 or 1.2
// would read them as something else).
std::string to_yaml(const Node& node);

}  // namespace pausa::pod
