#include "cli/variables.hpp"

#include "pod/suggest.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cstdlib>

namespace pausa::cli {
namespace {

constexpr std::size_t most_bytes = 1U << 20U;

void add_file(const std::string& path, manifest::Variables& variables) {
  const auto text = sys::read_file_at(AT_FDCWD, path, most_bytes);
  if (!text) throw sys::Error(ENOENT, "--env-file: read " + path);
  if (const auto fault = manifest::read_env_file(*text, variables))
    throw UsageError(path + ":" + std::to_string(fault->line) + ": " + fault->text);
}

void add_word(const std::string& word, manifest::Variables& variables) {
  const auto split = word.find('=');
  const std::string name = word.substr(0, split);
  if (!manifest::is_variable_name(name))
    throw UsageError("--set " + word + ": write NAME=VALUE, NAME of letters, digits and _");
  if (split != std::string::npos) return variables.set(name, word.substr(split + 1));
  const char* const value = std::getenv(name.c_str());
  if (value == nullptr)
    throw UsageError("--set " + name + ": it is not in the environment; write " + name + "=VALUE");
  variables.set(name, value);
}

}  // namespace

std::unique_ptr<manifest::Variables> variables_from(const Options& options) {
  if (!options.has("env-file") && !options.has("set")) return nullptr;
  auto variables = std::make_unique<manifest::Variables>();
  for (const auto& path : options.all("env-file")) add_file(path, *variables);
  for (const auto& word : options.all("set")) add_word(word, *variables);
  return variables;
}

void require_used(const Options& options, const manifest::VariableNames& referred) {
  const auto given = options.all("set");
  const auto name_of = [](const std::string& word) { return word.substr(0, word.find('=')); };
  std::vector<std::string_view> names;  // that may have been meant
  for (const auto& name : referred)
    if (std::none_of(given.begin(), given.end(),
                     [&](const std::string& word) { return name_of(word) == name; }))
      names.push_back(name);
  for (const auto& word : given) {
    const auto name = name_of(word);
    if (referred.count(name) != 0) continue;
    const auto meant = pod::closest(name, names);
    throw UsageError("--set " + name + ": no manifest has ${" + name + "}; " +
                     (meant ? "did you mean \"" + std::string(*meant) + "\"?" : "leave it out"));
  }
}

}  // namespace pausa::cli
