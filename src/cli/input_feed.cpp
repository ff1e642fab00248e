#include "cli/input_feed.hpp"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>

namespace pausa::cli {
namespace {

constexpr char end_of_transmission = 4;  // the terminal's end of file

}  // namespace

InputFeed::InputFeed(int to, bool terminal, std::function<void()> end)
    : to_(to), terminal_(terminal), end_(std::move(end)) {
  (void)::fcntl(to, F_SETFL, ::fcntl(to, F_GETFL) | O_NONBLOCK);
}

pollfd InputFeed::wants() const {
  if (over_) return {-1, 0, 0};
  if (pending_.empty()) return {STDIN_FILENO, POLLIN, 0};
  return {to_, POLLOUT, 0};
}

void InputFeed::go_on(const pollfd& ready) {
  if (over_ || ready.revents == 0) return;
  if (pending_.empty()) take();
  if (!over_) give();
}

void InputFeed::take() {
  std::array<char, 4096> buffer;
  const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (got > 0) {
    pending_.assign(buffer.data(), static_cast<std::size_t>(got));
    return;
  }
  if (!terminal_) return finish();
  pending_.assign(1, end_of_transmission);
  last_ = true;
}

void InputFeed::give() {
  const ssize_t put = ::write(to_, pending_.data(), pending_.size());
  if (put < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (put < 0) return finish();  // the other side has closed its end
  pending_.erase(0, static_cast<std::size_t>(put));
  if (last_ && pending_.empty()) finish();
}

void InputFeed::finish() {
  over_ = true;
  end_();
}

}  // namespace pausa::cli
