// What the files that decode a pod share: readers of one field each, and their parts. Internal to
// the pod room; pure.
#pragma once

#include "pod/node.hpp"
#include "pod/quantity.hpp"
#include "pod/spec.hpp"

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pausa::pod {

// Readers of one field each. A missing, null or wrongly typed value leaves what was there.

inline const Node* field(const Node& node, std::string_view key) {
  const Node* const value = node.find(key);
  return value && !value->is_null() ? value : nullptr;
}

template <typename Function>
void in_map(const Node& node, std::string_view key, Function&& read) {
  if (const Node* const value = field(node, key); value && value->is_map()) read(*value);
}

template <typename Function>
void each(const Node& node, std::string_view key, Function&& read) {
  const Node* const value = field(node, key);
  if (!value || !value->is_list()) return;
  for (const Node& item : value->items) read(item);
}

inline void get(const Node& node, std::string_view key, std::string& out) {
  if (const Node* const value = field(node, key); value && value->is_string()) out = value->text;
}

inline void get(const Node& node, std::string_view key, bool& out) {
  const Node* const value = field(node, key);
  if (value && value->kind == Node::Kind::boolean) out = value->boolean;
}

inline void get(const Node& node, std::string_view key, std::optional<bool>& out) {
  const Node* const value = field(node, key);
  if (value && value->kind == Node::Kind::boolean) out = value->boolean;
}

template <typename Integer>
void get_integer(const Node& node, std::string_view key, Integer& out) {
  const Node* const value = field(node, key);
  if (!value || value->kind != Node::Kind::integer || value->integer < 0) return;
  if (static_cast<std::uint64_t>(value->integer) > std::numeric_limits<Integer>::max()) return;
  out = static_cast<Integer>(value->integer);
}

inline void get_id(const Node& node, std::string_view key, std::optional<std::uint32_t>& out) {
  std::uint32_t id = std::numeric_limits<std::uint32_t>::max();
  get_integer(node, key, id);
  if (id != std::numeric_limits<std::uint32_t>::max()) out = id;
}

inline void get(const Node& node, std::string_view key, std::vector<std::string>& out) {
  each(node, key, [&out](const Node& item) {
    if (item.is_string()) out.push_back(item.text);
  });
}

inline void get(const Node& node, std::string_view key, KeyValues& out) {
  in_map(node, key, [&out](const Node& map) {
    for (const Entry& entry : map.entries) out.emplace_back(entry.key, entry.value.text);
  });
}

template <typename Enum, std::size_t N>
void get_word(const Node& node, std::string_view key,
              const std::array<std::pair<std::string_view, Enum>, N>& words, Enum& out) {
  std::string text;
  get(node, key, text);
  for (const auto& [word, meaning] : words) {
    if (text == word) out = meaning;
  }
}

inline std::optional<Quantity> get_quantity(const Node& node, std::string_view key) {
  const Node* const value = field(node, key);
  if (!value) return std::nullopt;
  switch (value->kind) {
    case Node::Kind::string:
      return parse_quantity(value->text);
    case Node::Kind::integer:
      return Quantity(value->integer);
    case Node::Kind::real:
      return parse_quantity(number_text(value->real));
    default:
      return std::nullopt;
  }
}

inline constexpr std::array<std::pair<std::string_view, PullPolicy>, 3> pull_policies = {
    {{"Always", PullPolicy::always},
     {"IfNotPresent", PullPolicy::if_not_present},
     {"Never", PullPolicy::never}}};

// decode_health.cpp: probes and hooks, restart rules, out of a container's node
Health decode_health(const Node& container);
std::vector<RestartRule> decode_restart_rules(const Node& container);

// decode_env.cpp
EnvVar decode_env(const Node& node);
EnvFrom decode_env_from(const Node& node);
FieldRef decode_field_ref(const Node& node);
ResourceRef decode_resource_ref(const Node& node);

// decode_volume.cpp
Volume decode_volume(const Node& node);
VolumeMount decode_volume_mount(const Node& node);
HostPathType host_path_type(const Node& host);  // of {path, type}
std::string_view host_path_type_name(HostPathType type);

}  // namespace pausa::pod
