#include "pod/expand.hpp"

#include <algorithm>

namespace pausa::pod {

namespace {

template <typename Pairs>
auto find_variable(Pairs& variables, std::string_view name) {
  return std::find_if(variables.begin(), variables.end(),
                      [name](const auto& variable) { return variable.first == name; });
}

std::string too_long(const std::string& what) {
  return what + " is longer than " + std::to_string(max_string_bytes) + " bytes after expansion";
}

}  // namespace

std::optional<std::string> expand(std::string_view text, const KeyValues& variables,
                                  std::size_t limit) {
  std::string out;
  for (std::size_t at = 0; at < text.size() && out.size() <= limit;) {
    const std::size_t dollar = std::min(text.find('$', at), text.size());
    out += text.substr(at, dollar - at);
    if (dollar == text.size()) break;
    const std::string_view rest = text.substr(dollar + 1);
    std::size_t length = std::min<std::size_t>(2, text.size() - dollar);
    std::string_view insert = text.substr(dollar, length);
    if (rest.starts_with('$')) {
      insert = "$";
    } else if (const std::size_t close = rest.find(')');
               rest.starts_with('(') && close != std::string_view::npos) {
      length = close + 2;
      const auto variable = find_variable(variables, rest.substr(1, close - 1));
      insert = variable == variables.end() ? text.substr(dollar, length)
                                           : std::string_view(variable->second);
    }
    out += insert;
    at = dollar + length;
  }
  if (out.size() > limit) return std::nullopt;
  return out;
}

Expanded expand_container(const Container& container, const OutsideEnv& outside) {
  Expanded out;
  out.env = outside.from;
  for (std::size_t i = 0; i < container.env.size(); ++i) {
    const EnvVar& variable = container.env[i];
    // "NAME=value" is one string to execve.
    const std::size_t room =
        max_string_bytes - std::min(variable.name.size() + 1, max_string_bytes);
    std::optional<std::string> value;
    if (!variable.from) {
      value = expand(variable.value, out.env, room);
    } else {
      const bool found = i < outside.values.size() && outside.values[i];
      if (!found) continue;
      if (outside.values[i]->size() <= room) value = outside.values[i];
    }
    if (!value) {
      out.fault = too_long("env \"" + variable.name + "\"");
      return out;
    }
    if (const auto earlier = find_variable(out.env, variable.name); earlier != out.env.end()) {
      earlier->second = std::move(*value);
    } else {
      out.env.emplace_back(variable.name, std::move(*value));
    }
  }
  const auto expand_words = [&out](const std::vector<std::string>& from, const std::string& name,
                                   std::vector<std::string>& to) {
    for (const std::string& word : from) {
      std::optional<std::string> value = expand(word, out.env);
      if (!value) {
        out.fault = too_long(name + "[" + std::to_string(to.size()) + "]");
        return;
      }
      to.push_back(std::move(*value));
    }
  };
  expand_words(container.command, "command", out.command);
  if (!out.fault) expand_words(container.args, "args", out.args);
  return out;
}

ExpandedPath expand_sub_path(const std::string& expression, const KeyValues& variables) {
  ExpandedPath out;
  for (std::size_t at = 0; at < expression.size(); ++at) {
    if (expression[at] != '$' || at + 1 == expression.size()) {
      out.path += expression[at];
      continue;
    }
    const std::size_t close = expression.find(')', at);
    if (expression[at + 1] == '$') {
      out.path += expression[++at];
    } else if (expression[at + 1] == '(' && close != std::string::npos) {
      const std::string name = expression.substr(at + 2, close - at - 2);
      const auto variable = find_variable(variables, name);
      if (variable == variables.end()) {
        out.fault = "subPathExpr \"" + expression + "\": there is no variable " + name;
        return out;
      }
      out.path += variable->second;
      at = close;
    } else {
      out.path += '$';
    }
  }
  const std::string shown = "subPathExpr \"" + expression + "\" is \"" + out.path + "\", which ";
  if (out.path.starts_with('/'))
    out.fault = shown + "must be relative";
  else if (("/" + out.path + "/").find("/../") != std::string::npos)
    out.fault = shown + "must not contain '..'";
  else if (out.path.find('\0') != std::string::npos)
    out.fault = shown + "must not contain a NUL byte";
  return out;
}

}  // namespace pausa::pod
