// From our stdin to a pipe or terminal, without waiting for either side.
#pragma once

#include <poll.h>

#include <functional>
#include <string>

namespace pausa::cli {

class InputFeed {
 public:
  // to: borrowed until `end` is called, which is when there is no more input, or nobody to take it.
  // A terminal is told the end of the file as people tell it.
  InputFeed(int to, bool terminal, std::function<void()> end);

  // What to poll for; go_on() takes what came of it.
  pollfd wants() const;
  void go_on(const pollfd& ready);

 private:
  void take();
  void give();
  void finish();

  int to_;
  bool terminal_;
  std::function<void()> end_;
  bool last_ = false;
  bool over_ = false;
  std::string pending_;
};

}  // namespace pausa::cli
