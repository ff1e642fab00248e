#include "cli/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace pausa::cli {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

bool forced(const char* name) {
  return !variable(name).empty() && variable(name) != "0";
}

}  // namespace

bool wants_colour(int fd) {
  if (!variable("NO_COLOR").empty()) return false;
  if (forced("CLICOLOR_FORCE") || forced("FORCE_COLOR")) return true;
  return variable("TERM") != "dumb" && ::isatty(fd) == 1;
}

void fit_terminal(int master) {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ||
      ::ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
    (void)::ioctl(master, TIOCSWINSZ, &size);
}

RawTerminal::RawTerminal(int fd) : fd_(fd) {
  termios now{};
  if (::tcgetattr(fd, &now) < 0) return;
  before_ = now;
  ::cfmakeraw(&now);
  (void)::tcsetattr(fd, TCSADRAIN, &now);
}

RawTerminal::~RawTerminal() {
  if (before_) (void)::tcsetattr(fd_, TCSADRAIN, &*before_);
}

}  // namespace pausa::cli
