// Who is in which namespace, for `ns`: one letter a namespace, "*" for the host's. Pure.
#pragma once

#include "cli/table.hpp"
#include "sys/namespace.hpp"

#include <string>
#include <vector>

namespace pausa::cli {

struct NamespaceSeat {
  std::string name;
  sys::NamespaceInodes inodes{};
  // Its PID namespace lies inside that of the first seat (infra).
  bool nested_pid = false;
};

// The first seat is infra. Letters are given in reading order; 0 is "-"; "J<C" is J, nested in C.
// With `inodes` the cells are numbers, "*" appended for the host's.
Table namespace_matrix(const std::vector<NamespaceSeat>& seats, const sys::NamespaceInodes& host,
                       bool inodes);

}  // namespace pausa::cli
