// Options of a verb over Boost.Program_options: no guessing of long names, short flags in bundles,
// values as "--name=value" or "--name value", everything else positional.
#pragma once

#include "cli/command.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace pausa::cli {

struct Option {
  const char* names;  // "detach,d"
  const char* value;  // the value's name in the help; nullptr: a flag
  const char* help;
};

class Options {
 public:
  // Throws UsageError. With `stop_at` positional words, option parsing ends after that many of
  // them, so that the words of a contained command stay as they are.
  Options(std::span<const Option> table, const Arguments& arguments,
          std::optional<std::size_t> stop_at = std::nullopt);

  bool has(const std::string& name) const { return values_.contains(name); }
  // The last value given.
  std::optional<std::string> get(const std::string& name) const;
  std::vector<std::string> all(const std::string& name) const;
  const std::vector<std::string>& words() const { return words_; }

 private:
  std::map<std::string, std::vector<std::string>> values_;
  std::vector<std::string> words_;
};

std::string options_help(std::span<const Option> table);

// "90s", "1m30s", "500ms", "2h"; a bare number means seconds. Throws UsageError.
std::chrono::nanoseconds parse_duration(const std::string& text, const char* option);

}  // namespace pausa::cli
