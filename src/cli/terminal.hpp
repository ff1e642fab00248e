// What the terminal at the other end of our output can show.
#pragma once

#include <termios.h>

#include <optional>

namespace pausa::cli {

// Whether to colour what goes to this descriptor: on a terminal, unless NO_COLOR is set or TERM is
// "dumb"; CLICOLOR_FORCE and FORCE_COLOR (not "0") want it everywhere.
bool wants_colour(int fd);

// Gives a container's terminal the size of ours, if we have one.
void fit_terminal(int master);

// A terminal that passes every key on as it is, for as long as this lives. Nothing happens to what
// is no terminal.
class RawTerminal {
 public:
  explicit RawTerminal(int fd);
  ~RawTerminal();
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

 private:
  int fd_;
  std::optional<termios> before_;
};

}  // namespace pausa::cli
