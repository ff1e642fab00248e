// What the terminal at the other end of our output can show.
#pragma once

namespace pausa::cli {

// Whether to colour what goes to this descriptor: on a terminal, unless NO_COLOR is set or TERM is
// "dumb"; CLICOLOR_FORCE and FORCE_COLOR (not "0") want it everywhere.
bool wants_colour(int fd);

}  // namespace pausa::cli
