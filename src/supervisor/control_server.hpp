// The supervisor's end of the pod's control socket. Each connection asks one question and waits for
// its answer; only the pod's owner (or root) is heard.
#pragma once

#include "control/protocol.hpp"
#include "supervisor/fd_watch.hpp"
#include "sys/fd.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <list>
#include <memory>

namespace pausa::supervisor {

class ControlServer {
 public:
  using Answer = std::function<void(const control::Reply&)>;
  // The handler may keep the answer and call it later, once.
  using Handler = std::function<void(const control::Request&, Answer)>;

  ControlServer(boost::asio::io_context& io, int run_dir, Handler handler);

 private:
  struct Connection {
    sys::UniqueFd socket;
    std::unique_ptr<FdWatch> watch;
  };

  void accept();
  void receive(std::list<Connection>::iterator connection);

  boost::asio::io_context& io_;
  sys::UniqueFd listener_;
  FdWatch watch_;
  Handler handler_;
  std::list<Connection> connections_;
};

}  // namespace pausa::supervisor
