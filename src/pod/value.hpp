// Reading a manifest's tree for validation: a Value is a field, there or not, with its path and its
// place; Findings collects what is wrong in Kubernetes' words. Values borrow the tree, which must
// outlive them. Nothing here throws except for memory.
#pragma once

#include "pod/diagnostic.hpp"
#include "pod/node.hpp"
#include "pod/quantity.hpp"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pausa::pod {

class Value {
 public:
  explicit Value(const Node& root, std::string path = {})
      : node_(&root), path_(std::move(path)), mark_(root.mark) {}

  // Null is absent, as in Kubernetes.
  bool present() const { return node_ && !node_->is_null(); }
  const Node* node() const { return node_; }
  const std::string& path() const { return path_; }
  // Of the value, or of the nearest one around it that is there.
  Mark mark() const { return mark_; }

  Value operator[](std::string_view field) const;  // path.field
  Value operator[](const Entry& entry) const;      // likewise, of this very map: no search
  Value key(std::string_view name) const;          // path[name], an entry of a map
  Value at(std::size_t index) const;               // path[0]
  std::size_t size() const;                        // of a list or a map; otherwise 0
  std::vector<Value> items() const;                // of a list; otherwise none
  std::vector<std::pair<std::string_view, Value>> entries() const;  // of a map; path[key]

  // What it says if it is of that type; otherwise as if it were absent (the schema check has
  // already reported it).
  std::string_view text() const;
  bool is(std::string_view wanted) const { return text() == wanted; }
  std::optional<std::int64_t> integer() const;
  std::optional<bool> truth() const;
  std::optional<Quantity> quantity() const;

  // As it stands in a message: "text", 80, true, ["a","b"].
  std::string shown() const;

 private:
  Value(const Node* node, std::string path, Mark mark)
      : node_(node), path_(std::move(path)), mark_(mark) {}
  Value child(const Node* node, std::string path) const;

  const Node* node_;
  std::string path_;
  Mark mark_;
};

std::string concat(std::initializer_list<std::string_view> parts);

// The text in double quotes, escaped as in a message.
std::string quoted(std::string_view text);

using Names = std::span<const std::string_view>;

class Findings {
 public:
  void required(const Value& at, std::string text = {});
  void invalid(const Value& at, std::string text);
  void invalid(const Value& at, std::string shown, std::string text);
  void unsupported(const Value& at, Names supported);
  void duplicate(const Value& at) { duplicate(at, at.shown()); }
  void duplicate(const Value& at, std::string shown);
  void forbidden(const Value& at, std::string text);
  void not_found(const Value& at, std::string text = {});
  void too_long(const Value& at, std::size_t most_bytes);
  void too_many(const Value& at, std::size_t most_items);
  void type(const Value& at, std::string text, std::string hint);
  void unknown(const Value& map, const Entry& entry, std::string hint);  // marks the key
  void warn(const Value& at, std::string text);
  void note(const Value& at, std::string text);
  // Sets how to mend the finding that was added last.
  void hint(std::string text);

  const Diagnostics& list() const { return list_; }
  Diagnostics take() { return std::move(list_); }

 private:
  Diagnostic& add(const Value& at, ErrorKind kind, std::string shown, std::string text);

  Diagnostics list_;
};

}  // namespace pausa::pod
