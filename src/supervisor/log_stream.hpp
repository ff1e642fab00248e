// One stream of one container instance on its way from the pipe to the log, paced by
// log::BatchPolicy. Owns the pipe's read end; infra's store has another copy, so that the next
// supervisor goes on where this one was killed.
#pragma once

#include "log/batch.hpp"
#include "log/pipe.hpp"
#include "log/writer.hpp"
#include "supervisor/fd_watch.hpp"
#include "sys/fd.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <optional>

namespace pausa::supervisor {

class LogStream {
 public:
  // source: the pipe's read end, or a terminal's master. at_end runs once, after which the stream
  // may be destroyed.
  LogStream(boost::asio::io_context& io, int log_dir, log::Stream stream, sys::UniqueFd source,
            bool terminal, std::function<void()> at_end);
  LogStream(const LogStream&) = delete;
  LogStream& operator=(const LogStream&) = delete;

  // Takes what is there now; true at the end of the stream.
  bool drain_now();
  bool ended() const { return ended_; }

 private:
  void arm();
  void on_readable();
  void drain();
  void grow();

  sys::UniqueFd source_;
  log::StreamWriter writer_;
  log::Gate gate_;
  FdWatch watch_;
  boost::asio::steady_timer timer_;
  log::BatchPolicy policy_;
  std::chrono::steady_clock::time_point last_drain_;
  bool terminal_;
  bool grown_ = false;  // the pipe is as large as it can be
  bool ended_ = false;
  std::function<void()> at_end_;
  std::shared_ptr<bool> alive_;
};

}  // namespace pausa::supervisor
