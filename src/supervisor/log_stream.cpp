#include "supervisor/log_stream.hpp"

#include <algorithm>

namespace pausa::supervisor {
namespace {

// What a pipe of the default size (64 KiB) gives in one go when its writer is fast: a quiet stream
// shall not use up the user's quota of large pipes.
constexpr std::size_t fast = std::size_t{16} << 10;

}  // namespace

LogStream::LogStream(boost::asio::io_context& io, int log_dir, log::Stream stream,
                     sys::UniqueFd source, bool terminal, std::function<void()> at_end)
    : source_(std::move(source)),
      writer_(log_dir, stream),
      gate_(source_.get()),
      watch_(io, gate_.fd()),
      timer_(io),
      last_drain_(std::chrono::steady_clock::now()),
      terminal_(terminal),
      at_end_(std::move(at_end)),
      alive_(std::make_shared<bool>(true)) {
  arm();
}

void LogStream::arm() {
  watch_.wait([this] { on_readable(); });
}

void LogStream::on_readable() {
  gate_.shut();
  drain();
}

bool LogStream::drain_now() {
  while (!ended_) {
    const auto drained =
        terminal_ ? writer_.drain_copy(source_.get()) : writer_.drain(source_.get());
    if (drained.eof) {
      ended_ = true;
      at_end_();
    }
    if (drained.bytes + drained.dropped == 0) break;
  }
  return ended_;
}

void LogStream::grow() {
  grown_ = true;
  policy_.batch_bytes = std::min(policy_.batch_bytes, log::grow_pipe(source_.get()) / 2);
}

void LogStream::drain() {
  if (ended_) return;
  const auto now = std::chrono::steady_clock::now();
  const auto since = std::chrono::duration_cast<std::chrono::microseconds>(now - last_drain_);
  const auto drained = terminal_ ? writer_.drain_copy(source_.get()) : writer_.drain(source_.get());
  last_drain_ = now;
  if (drained.eof) {
    ended_ = true;
    at_end_();
    return;
  }
  if (drained.bytes >= fast && !grown_ && !terminal_) grow();
  const auto pause = policy_.next(drained.bytes + drained.dropped, drained.stalled, since);
  if (!pause) {
    gate_.open();
    arm();
    return;
  }
  timer_.expires_after(*pause);
  timer_.async_wait(
      [this, alive = std::weak_ptr<bool>(alive_)](const boost::system::error_code& error) {
        if (!alive.expired() && !error) drain();
      });
}

}  // namespace pausa::supervisor
