// A structure as a JSON object, described once for both ways. `describe(io, value)` names the
// fields in the order of the file; with a FieldWriter it fills an object, with a FieldReader it
// takes the values from one. A field whose value is T{} is left out, so that a record stays short;
// one that is absent (or null) becomes T{}. Readers throw what Boost.JSON throws, and sys::Error.
#pragma once

#include "sys/error.hpp"

#include <boost/json.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace pausa::state {

namespace json = boost::json;

class FieldWriter {
 public:
  template <typename T>
  using As = const T;

  explicit FieldWriter(json::object& object) : object_(object) {}

  template <typename T>
  requires std::is_arithmetic_v<T>
  void value(std::string_view key, T value) {
    if (value != T{}) object_.emplace(key, value);
  }
  void value(std::string_view key, const std::string& value) {
    if (!value.empty()) object_.emplace(key, value);
  }
  void value(std::string_view key, std::chrono::nanoseconds value) {
    this->value(key, value.count());
  }
  void value(std::string_view key, const std::optional<std::chrono::nanoseconds>& value) {
    if (value) object_.emplace(key, value->count());
  }
  // Left out where it is as usual.
  void value(std::string_view key, std::chrono::nanoseconds value, std::chrono::nanoseconds usual) {
    if (value != usual) object_.emplace(key, value.count());
  }
  template <typename Enum>
  void choice(std::string_view key, Enum value, Enum) {
    this->value(key, static_cast<int>(value));
  }
  template <typename Enum>
  void choice(std::string_view key, const std::optional<Enum>& value, Enum) {
    if (value) object_.emplace(key, static_cast<int>(*value));
  }
  template <typename T>
  void nested(std::string_view key, const T& value) {
    json::object inner = object_of(value);
    if (!inner.empty()) object_.emplace(key, std::move(inner));
  }
  template <typename T>
  void nested(std::string_view key, const std::optional<T>& value) {
    if (value) object_.emplace(key, object_of(*value));
  }
  template <typename T>
  void list(std::string_view key, const std::vector<T>& values) {
    json::array array;
    for (const auto& value : values) array.push_back(object_of(value));
    if (!array.empty()) object_.emplace(key, std::move(array));
  }

 private:
  template <typename T>
  static json::object object_of(const T& value) {
    json::object object;
    FieldWriter io(object);
    describe(io, value);
    return object;
  }

  json::object& object_;
};

class FieldReader {
 public:
  template <typename T>
  using As = T;

  template <typename T>
  static void read(const json::object& object, T& value) {
    FieldReader in_order(object, false);
    describe(in_order, value);
    if (in_order.next_ == object.end()) return;
    FieldReader thorough(object, true);
    describe(thorough, value);
  }

  template <typename T>
  requires std::is_arithmetic_v<T>
  void value(std::string_view key, T& value) {
    const auto* found = find(key);
    if constexpr (std::is_same_v<T, bool>)
      value = found != nullptr && found->as_bool();
    else
      value = found == nullptr ? T{} : found->to_number<T>();
  }
  void value(std::string_view key, std::string& value) {
    const auto* found = find(key);
    if (found == nullptr)
      value.clear();
    else
      value = std::string_view(found->as_string());
  }
  void value(std::string_view key, std::chrono::nanoseconds& value) {
    std::int64_t count = 0;
    this->value(key, count);
    value = std::chrono::nanoseconds(count);
  }
  void value(std::string_view key, std::optional<std::chrono::nanoseconds>& value) {
    value.reset();
    if (const auto* found = find(key)) value.emplace(found->to_number<std::int64_t>());
  }
  void value(std::string_view key, std::chrono::nanoseconds& value,
             std::chrono::nanoseconds usual) {
    const auto* found = find(key);
    value = found == nullptr ? usual : std::chrono::nanoseconds(found->to_number<std::int64_t>());
  }
  // Of a scoped enumeration that counts from 0 to `last`.
  template <typename Enum>
  void choice(std::string_view key, Enum& value, Enum last) {
    const auto* found = find(key);
    value = found == nullptr ? Enum{} : enumerator(*found, last);
  }
  template <typename Enum>
  void choice(std::string_view key, std::optional<Enum>& value, Enum last) {
    value.reset();
    if (const auto* found = find(key)) value = enumerator(*found, last);
  }
  template <typename T>
  void nested(std::string_view key, T& value) {
    value = T{};
    if (const auto* found = find(key)) fill(*found, value);
  }
  template <typename T>
  void nested(std::string_view key, std::optional<T>& value) {
    value.reset();
    if (const auto* found = find(key)) fill(*found, value.emplace());
  }
  template <typename T>
  void list(std::string_view key, std::vector<T>& values) {
    values.clear();
    const auto* found = find(key);
    if (found == nullptr) return;
    values.reserve(found->as_array().size());
    for (const auto& entry : found->as_array()) fill(entry, values.emplace_back());
  }

 private:
  FieldReader(const json::object& object, bool thorough)
      : object_(object), next_(object.begin()), thorough_(thorough) {}

  // The keys come in the order of the description. When that leaves one over, somebody else wrote
  // the file, and each is looked for everywhere.
  const json::value* find(std::string_view key) {
    if (thorough_) {
      const auto* found = object_.if_contains(key);
      return found == nullptr ? nullptr : known(*found);
    }
    if (next_ == object_.end() || next_->key() != key) return nullptr;
    return known((next_++)->value());
  }
  static const json::value* known(const json::value& value) {
    return value.is_null() ? nullptr : &value;
  }

  template <typename T>
  static void fill(const json::value& source, T& value) {
    read(source.as_object(), value);
  }
  template <typename Enum>
  static Enum enumerator(const json::value& source, Enum last) {
    const auto n = source.to_number<std::int64_t>();
    if (n < 0 || n > static_cast<std::int64_t>(last))
      throw sys::Error("the record holds an unknown state " + std::to_string(n));
    return static_cast<Enum>(n);
  }

  const json::object& object_;
  json::object::const_iterator next_;
  bool thorough_;
};

}  // namespace pausa::state
