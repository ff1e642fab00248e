// Looking into KeyValues.
#pragma once

#include "pod/spec.hpp"

#include <string>
#include <string_view>

namespace pausa::pod {

// nullptr: the key is not there. Borrowed from `values`.
inline const std::string* find_value(const KeyValues& values, std::string_view key) {
  for (const auto& [name, value] : values)
    if (name == key) return &value;
  return nullptr;
}

}  // namespace pausa::pod
