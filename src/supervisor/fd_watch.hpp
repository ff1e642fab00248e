// Waits in the loop for a descriptor that somebody else owns. Destroying the watch cancels the wait
// without closing the descriptor; a handler is never called after that.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <functional>
#include <memory>

namespace pausa::supervisor {

class FdWatch {
 public:
  FdWatch(boost::asio::io_context& io, int fd)
      : descriptor_(io), alive_(std::make_shared<bool>(true)) {
    descriptor_.assign(fd);
  }
  ~FdWatch() {
    *alive_ = false;
    (void)descriptor_.release();
  }
  FdWatch(const FdWatch&) = delete;
  FdWatch& operator=(const FdWatch&) = delete;

  // Once: the handler runs when the descriptor is readable (or has an end or an error to tell).
  void wait(std::function<void()> handler) {
    wait_for(boost::asio::posix::stream_descriptor::wait_read, std::move(handler));
  }
  // Likewise for writing.
  void wait_writable(std::function<void()> handler) {
    wait_for(boost::asio::posix::stream_descriptor::wait_write, std::move(handler));
  }

 private:
  void wait_for(boost::asio::posix::stream_descriptor::wait_type what,
                std::function<void()> handler) {
    descriptor_.async_wait(what, [alive = alive_, handler = std::move(handler)](
                                     const boost::system::error_code& error) {
      if (*alive && !error) handler();
    });
  }

  boost::asio::posix::stream_descriptor descriptor_;
  std::shared_ptr<bool> alive_;
};

}  // namespace pausa::supervisor
