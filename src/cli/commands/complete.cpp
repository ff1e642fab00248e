#include "cli/commands/commands.hpp"
#include "cli/help.hpp"
#include "cli/options.hpp"
#include "cli/target.hpp"
#include "sys/error.hpp"

#include <algorithm>
#include <iostream>

namespace pausa::cli {
namespace {

constexpr std::span<const Option> table;

// Words that begin as the user did, one a line.
void offer(const std::vector<std::string>& candidates, const std::string& begun) {
  for (const auto& candidate : candidates)
    if (candidate.starts_with(begun)) std::cout << candidate << "\n";
}

const Command* find(const std::string& name) {
  for (const auto& command : commands())
    if (command.name == name) return &command;
  return nullptr;
}

// The value of -n among the words, as parse_target wants it.
std::optional<std::string> namespace_in(const Arguments& words) {
  for (std::size_t i = 0; i + 1 < words.size(); ++i)
    if (words[i] == "-n" || words[i] == "--namespace") return words[i + 1];
  return std::nullopt;
}

std::vector<std::string> pods(const Arguments& words) {
  const state::Store store(state::Paths::from_environment());
  const auto home = parse_target("any", namespace_in(words)).key.namespace_;
  std::vector<std::string> names;
  for (const auto& record : store.list())
    if (record.key.namespace_ == home) names.push_back(record.key.name);
  for (const auto& key : store.list_without_record())
    if (key.namespace_ == home) names.push_back(key.name);
  return names;
}

std::vector<std::string> containers(const Arguments& words, const std::string& pod) {
  const state::Store store(state::Paths::from_environment());
  std::vector<std::string> names;
  if (const auto record = store.read(parse_target(pod, namespace_in(words)).key))
    for (const auto& container : record->containers) names.push_back(pod + "/" + container.name);
  return names;
}

void complete(const Arguments& words) {
  const std::string begun = words.empty() ? "" : words.back();
  if (words.size() < 2) {
    std::vector<std::string> verbs;
    for (const auto& command : commands())
      if (!command.hidden) verbs.emplace_back(command.name);
    return offer(verbs, begun);
  }
  const Command* command = find(words.front());
  if (command == nullptr) return;
  if (begun.starts_with("-")) return offer(option_names(*command, begun == "-"), begun);
  const auto& before = words[words.size() - 2];
  if (before.starts_with("-") && wants_value(*command, before)) {
    if (before == "-o" || before == "--output")
      offer({"json", "name", "table", "wide", "yaml"}, begun);
    if (before == "--for") offer({"deleted", "exited", "ready"}, begun);
    return;
  }
  if (command->name == "completion") return offer({"bash", "fish", "zsh"}, begun);
  if (command->synopsis.find("POD") == std::string_view::npos) return;
  const auto slash = begun.find('/');
  if (slash == std::string::npos)
    offer(pods(words), begun);
  else if (command->synopsis.find("CONTAINER") != std::string_view::npos)
    offer(containers(words, begun.substr(0, slash)), begun);
}

constexpr std::string_view bash_script = R"(# bash completion for pausa
_pausa() {
  local IFS=$'\n'
  COMPREPLY=($(pausa __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _pausa pausa
)";

constexpr std::string_view zsh_script = R"(#compdef pausa
_pausa() {
  local -a offers
  offers=("${(@f)$(pausa __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  offers=(${offers:#})
  if (( $#offers )); then compadd -a offers; else _files; fi
}
if [ "$funcstack[1]" = "_pausa" ]; then _pausa "$@"; else compdef _pausa pausa; fi
)";

constexpr std::string_view fish_script = R"(# fish completion for pausa
function __pausa_offers
    set -l words (commandline -opc) (commandline -ct)
    pausa __complete $words[2..-1] 2>/dev/null
end
complete -c pausa -a '(__pausa_offers)'
)";

}  // namespace

std::string completion_options() {
  return options_help(table);
}

int run_completion(const Arguments& arguments) {
  const Options options(table, arguments);
  if (options.words().size() != 1) throw UsageError("completion needs a shell: bash, zsh or fish");
  const auto& shell = options.words().front();
  if (shell == "bash")
    std::cout << bash_script;
  else if (shell == "zsh")
    std::cout << zsh_script;
  else if (shell == "fish")
    std::cout << fish_script;
  else
    throw UsageError("no completion for " + shell + "; there are bash, zsh and fish");
  return exit_ok;
}

// For the scripts above: the words after "pausa", the last one being typed.
int run_complete(const Arguments& arguments) {
  try {
    complete(arguments);
  } catch (const std::exception&) {
    // Nobody wants to read an error between two key strokes.
  }
  return exit_ok;
}

}  // namespace pausa::cli
