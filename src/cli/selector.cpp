#include "cli/selector.hpp"

#include "cli/command.hpp"

#include <algorithm>

namespace pausa::cli {
namespace {

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

// At commas outside of parentheses.
std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  int depth = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '(') ++depth;
    if (i < text.size() && text[i] == ')') --depth;
    if (i < text.size() && (text[i] != ',' || depth > 0)) continue;
    parts.push_back(trim(text.substr(begin, i - begin)));
    begin = i + 1;
  }
  return parts;
}

}  // namespace

Selector::Selector(std::string_view text) {
  for (const auto part : split(text)) {
    const auto wrong = [&part] {
      return UsageError(
          "\"" + std::string(part) +
          "\" is no selector; write KEY=VALUE, KEY!=VALUE, KEY, !KEY or KEY in (A,B)");
    };
    const auto equals = part.find('=');
    const auto open = part.find('(');
    if (part.empty()) throw wrong();
    Requirement requirement{{}, Test::in, {}};
    if (open != std::string_view::npos) {
      const auto head = trim(part.substr(0, open));
      const auto blank = head.find_last_of(' ');
      if (blank == std::string_view::npos || part.back() != ')') throw wrong();
      const auto word = head.substr(blank + 1);
      if (word != "in" && word != "notin") throw wrong();
      requirement.test = word == "in" ? Test::in : Test::not_in;
      requirement.key = trim(head.substr(0, blank));
      for (const auto value : split(part.substr(open + 1, part.size() - open - 2)))
        requirement.values.emplace_back(value);
    } else if (equals != std::string_view::npos) {
      const bool negative = equals > 0 && part[equals - 1] == '!';
      const bool twice = part.substr(equals).starts_with("==");
      requirement.test = negative ? Test::not_in : Test::in;
      requirement.key = trim(part.substr(0, negative ? equals - 1 : equals));
      requirement.values.emplace_back(trim(part.substr(equals + (twice ? 2 : 1))));
    } else {
      const bool negative = part.front() == '!';
      requirement.test = negative ? Test::absent : Test::exists;
      requirement.key = trim(negative ? part.substr(1) : part);
    }
    if (requirement.key.empty() || requirement.key.find(' ') != std::string::npos) throw wrong();
    requirements_.push_back(std::move(requirement));
  }
}

bool Selector::matches(const pod::KeyValues& labels) const {
  return std::all_of(
      requirements_.begin(), requirements_.end(), [&labels](const Requirement& requirement) {
        const auto label = std::find_if(labels.begin(), labels.end(), [&](const auto& entry) {
          return entry.first == requirement.key;
        });
        const bool there = label != labels.end();
        const auto& values = requirement.values;
        const bool among =
            there && std::find(values.begin(), values.end(), label->second) != values.end();
        switch (requirement.test) {
          case Test::in:
            return among;
          case Test::not_in:
            return !among;
          case Test::exists:
            return there;
          case Test::absent:
            return !there;
        }
        return false;
      });
}

}  // namespace pausa::cli
