#include "manifest/variables.hpp"

#include "pod/suggest.hpp"

#include <algorithm>

namespace pausa::manifest {
namespace {

constexpr std::size_t most_nested = 16;

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// What a "${" is followed by, as far as it can be a name.
std::string_view name_of(std::string_view inside) {
  std::size_t length = 0;
  while (length < inside.size() && (is_letter(inside[length]) || is_digit(inside[length])))
    ++length;
  return inside.substr(0, length);
}

// The rest of a line behind the "="; the fault when it is no value.
std::optional<std::string> value_of(std::string_view rest, std::string& value) {
  rest = trimmed(rest);
  if (rest.empty() || (rest.front() != '"' && rest.front() != '\'')) {
    const std::size_t comment =
        rest.starts_with('#') ? 0 : std::min(rest.find(" #"), rest.find("\t#"));
    value = trimmed(rest.substr(0, comment));
    return std::nullopt;
  }
  const char quote = rest.front();
  std::size_t at = 1;
  for (; at < rest.size() && rest[at] != quote; ++at) {
    if (rest[at] != '\\' || quote == '\'' || at + 1 == rest.size()) {
      value += rest[at];
      continue;
    }
    const char escaped = rest[++at];
    if (escaped == 'n') {
      value += '\n';
    } else if (escaped == 't') {
      value += '\t';
    } else {
      if (escaped != '"' && escaped != '\\' && escaped != '$') value += '\\';
      value += escaped;
    }
  }
  if (at == rest.size()) return "the quoted value does not end in this line";
  const auto behind = trimmed(rest.substr(at + 1));
  if (!behind.empty() && behind.front() != '#') return "text right after a closing quote";
  return std::nullopt;
}

// Goes through a text once; the references are counted as they stand in it, inner ones too.
class Substitution {
 public:
  Substitution(const Variables& variables, std::vector<SubstituteFault>& faults)
      : variables_(variables), faults_(faults) {}

  std::string run(std::string_view text, std::size_t depth = 0) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      if (text.substr(at, 3) == "$${") {
        ++reference_;
        out += "${";
        at += 3;
      } else if (text.substr(at, 2) == "${") {
        const std::size_t end = closing(text, at);
        const std::size_t number = reference_++;
        if (end == std::string_view::npos || depth == most_nested) {
          fault(number, "\"${\" is never closed by a \"}\"");
          return out.append(text.substr(at));
        }
        reference(text.substr(at, end + 1 - at), number, depth, out);
        at = end + 1;
      } else {
        out += text[at++];
      }
    }
    return out;
  }

 private:
  static std::size_t closing(std::string_view text, std::size_t at) {
    std::size_t open = 0;
    for (; at < text.size(); ++at) {
      if (text.substr(at, 2) == "${") {
        ++open;
      } else if (text[at] == '}' && --open == 0) {
        return at;
      }
    }
    return std::string_view::npos;
  }

  static std::size_t count(std::string_view text) {
    std::size_t sum = 0;
    for (std::size_t at = text.find("${"); at != std::string_view::npos;
         at = text.find("${", at + 2))
      ++sum;
    return sum;
  }

  void fault(std::size_t number, std::string text, std::string hint = {}) {
    if (hint.empty()) hint = "$${ stands for the two characters ${";
    faults_.push_back({number, std::move(text), std::move(hint)});
  }

  // whole: "${NAME…}"
  void reference(std::string_view whole, std::size_t number, std::size_t depth, std::string& out) {
    const std::string_view inside = whole.substr(2, whole.size() - 3);
    const std::string_view name = name_of(inside);
    const std::string_view rest = inside.substr(name.size());
    const bool known_form = rest.empty() || rest.starts_with(":-") || rest.starts_with(":?");
    if (!is_variable_name(name) || !known_form) {
      reference_ += count(rest);
      fault(number, "\"" + std::string(whole) +
                        "\" is none of ${NAME}, ${NAME:-default}, ${NAME:?message}");
      out += whole;
      return;
    }
    const std::string* const value = variables_.find(name);
    if (value != nullptr && (rest.empty() || !value->empty())) {
      reference_ += count(rest);
      out += *value;
    } else if (rest.starts_with(":-")) {
      out += run(rest.substr(2), depth + 1);
    } else {
      reference_ += count(rest);
      unset(number, name, rest.empty() ? rest : rest.substr(2));
      out += whole;
    }
  }

  void unset(std::size_t number, std::string_view name, std::string_view message) {
    if (!message.empty())
      return fault(number, std::string(name) + ": " + std::string(message), " ");
    const std::string meant = variables_.closest(name);
    fault(number, "the variable " + std::string(name) + " is not set",
          meant.empty() ? "--set " + std::string(name) + "=VALUE sets it, ${" + std::string(name) +
                              ":-} stands for nothing without it"
                        : "did you mean \"" + meant + "\"?");
  }

  const Variables& variables_;
  std::vector<SubstituteFault>& faults_;
  std::size_t reference_ = 0;
};

}  // namespace

void Variables::set(std::string name, std::string value) {
  values_[std::move(name)] = std::move(value);
}

const std::string* Variables::find(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? nullptr : &found->second;
}

std::string Variables::closest(std::string_view name) const {
  std::vector<std::string_view> names;
  for (const auto& entry : values_) names.emplace_back(entry.first);
  return std::string(pod::closest(name, names).value_or(""));
}

bool is_variable_name(std::string_view name) {
  return !name.empty() && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_letter(c) || is_digit(c); });
}

std::optional<EnvFileFault> read_env_file(std::string_view text, Variables& variables) {
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = text.find('\n');
    std::string_view words = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (words.empty() || words.front() == '#') continue;
    if (words.starts_with("export ")) words = trimmed(words.substr(7));
    const std::size_t split = words.find('=');
    if (split == std::string_view::npos) return EnvFileFault{line, "no \"=\" in this line"};
    const std::string_view name = trimmed(words.substr(0, split));
    if (!is_variable_name(name))
      return EnvFileFault{line, "\"" + std::string(name) + "\" is no name of a variable"};
    std::string value;
    if (auto fault = value_of(words.substr(split + 1), value))
      return EnvFileFault{line, std::move(*fault)};
    variables.set(std::string(name), std::move(value));
  }
  return std::nullopt;
}

void add_references(std::string_view text, VariableNames& names) {
  for (std::size_t at = text.find("${"); at != std::string_view::npos;
       at = text.find("${", at + 2)) {
    if (at > 0 && text[at - 1] == '$') continue;
    if (const auto name = name_of(text.substr(at + 2)); is_variable_name(name)) names.emplace(name);
  }
}

std::string substitute(std::string_view text, const Variables& variables,
                       std::vector<SubstituteFault>& faults) {
  return Substitution(variables, faults).run(text);
}

}  // namespace pausa::manifest
