// The file that this program runs from, and how it is kept from containers: who is executed in a
// pod was this very program a moment before, and "#!/proc/self/exe" makes it be so again, which
// opens the way to the file on the host (CVE-2019-5736). Not for child zones.
#pragma once

#include "sys/fd.hpp"

#include <string>

namespace pausa::sys {

// The path of this program, also after shield_own_program().
std::string own_program();

// One of the programs beside it: PREFIX/libexec/pausa/NAME for PREFIX/bin/pausa.
std::string helper_path(const std::string& name);

// Executes this program again from where nobody can write to it: a read-only copy of its mount (as
// root), or a sealed copy in memory. Returns when it runs from there already, or from a file that
// this user cannot write to anyway. To be called first of all.
void shield_own_program(char* const* argv);

// How this process is called from now on: in ps(1) by its name (15 bytes) and, as far as there is
// room where the arguments of its exec are, by these words.
void name_own_process(const char* name, const std::string& words) noexcept;

// /dev/null for those of 0, 1 and 2 that whoever began us has closed: else the next file that is
// opened would be written to as if it were standard output.
void fill_stdio() noexcept;

// A life of its own after a fork: no terminal, no signal held back, nothing for stdio, no folder
// kept busy.
void leave_command() noexcept;

// A program to be executed by descriptor, through a read-only copy of its mount where we may make
// one. Throws sys::Error.
UniqueFd open_program(const std::string& path);

}  // namespace pausa::sys
