// Label selectors as kubectl has them: "a=b,c!=d,e in (f,g),h notin (i),j,!k". Pure.
#pragma once

#include "pod/spec.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pausa::cli {

class Selector {
 public:
  // Throws UsageError.
  explicit Selector(std::string_view text);
  bool matches(const pod::KeyValues& labels) const;

 private:
  enum class Test : std::uint8_t { in, not_in, exists, absent };
  struct Requirement {
    std::string key;
    Test test;
    std::vector<std::string> values;
  };
  std::vector<Requirement> requirements_;
};

}  // namespace pausa::cli
