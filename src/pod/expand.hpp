// $(VAR) in env values, command and args, by Kubernetes' rules: $(NAME) becomes the variable's
// value when it is set and stays as it is otherwise; $$ becomes $, so $$(NAME) is the text $(NAME);
// any other $ is itself. What an expansion yields is not expanded again. An env value sees the
// variables above it in the list; command and args see all of them; none sees the image's. Pure.
#pragma once

#include "pod/spec.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pausa::pod {

// What execve(2) takes: MAX_ARG_STRLEN for one string, its NUL included (32 pages of 4 KiB).
inline constexpr std::size_t max_string_bytes = 131'071;

// Empty when the result would be longer than limit.
std::optional<std::string> expand(std::string_view text, const KeyValues& variables,
                                  std::size_t limit = max_string_bytes);

struct Expanded {
  KeyValues env;  // each name once, at its first place, with its last value
  std::vector<std::string> command;
  std::vector<std::string> args;
  // When a string comes out too long for execve: "env \"A\" is longer than 131071 bytes after
  // expansion"; the rest is then incomplete.
  std::optional<std::string> fault;
};

// What is not written in the manifest, found elsewhere (pod/environment.hpp). Its values are taken
// as they are.
struct OutsideEnv {
  KeyValues from;                                  // of envFrom; below all of env
  std::vector<std::optional<std::string>> values;  // of each env with valueFrom; empty: left out
};

Expanded expand_container(const Container& container, const OutsideEnv& outside = {});

// The subPath of a mount. Here a variable that is not set is a fault, and so is what would lead out
// of the volume.
struct ExpandedPath {
  std::string path;
  std::optional<std::string> fault;
};
ExpandedPath expand_sub_path(const std::string& expression, const KeyValues& variables);

}  // namespace pausa::pod
