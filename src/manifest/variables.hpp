// ${NAME} in a manifest, for those who ask for it (--env-file, --set). Put in where a scalar
// stands, after the text was taken apart: a value never changes the document's structure. Pure.
//
//   ${NAME}           the value; none is an error
//   ${NAME:-default}  the default where it is unset or empty; it may hold ${…} itself
//   ${NAME:?message}  an error with this message where it is unset or empty
//   $${               the two characters ${
//
// Everything else, $NAME and $(NAME) as well, stays as it is.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace pausa::manifest {

class Variables {
 public:
  // The later one wins.
  void set(std::string name, std::string value);
  const std::string* find(std::string_view name) const;
  // The name that was most likely meant; empty when none is near.
  std::string closest(std::string_view name) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

// A letter or "_", then letters, digits and "_".
bool is_variable_name(std::string_view name);

struct EnvFileFault {
  std::size_t line = 0;
  std::string text;
};
// Lines NAME=VALUE, as docker compose reads them: "#" begins a comment, "export " may stand before
// the name; a value in single quotes is taken as it is, in double quotes \n, \t, \" and \\ are
// known, one without quotes is trimmed and ends before " #". Sets what it finds; the first fault
// ends it.
std::optional<EnvFileFault> read_env_file(std::string_view text, Variables& variables);

// The names that a text refers to, also in defaults that are not needed.
using VariableNames = std::set<std::string, std::less<>>;
void add_references(std::string_view text, VariableNames& names);

struct SubstituteFault {
  std::size_t reference = 0;  // the how manieth "${" of the text, counted from 0
  std::string text;
  std::string hint;
};
// What is at fault stays as it is.
std::string substitute(std::string_view text, const Variables& variables,
                       std::vector<SubstituteFault>& faults);

}  // namespace pausa::manifest
