// A probe's or a hook's one check under way. Destroying it ends it, with all that it has started.
#pragma once

#include "infra/client.hpp"
#include "pod/health.hpp"
#include "sys/net_socket.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace pausa::supervisor {

struct CheckResult {
  bool success = false;
  bool warning = false;  // a success that somebody should look at
  std::string message;
};

// Called once, by the loop, never from within the check's own constructor; may destroy the check.
using CheckDone = std::function<void(const CheckResult&)>;

class Check {
 public:
  Check() = default;
  Check(const Check&) = delete;
  Check& operator=(const Check&) = delete;
  virtual ~Check() = default;
  // True when the exit is of a process of this check.
  virtual bool take_exit(const infra::Exit& /*exit*/) { return false; }
};

struct CheckOptions {
  int network_pidfd = -1;               // in whose network namespace; -1: ours
  sys::SocketStock* sockets = nullptr;  // of that one, borrowed as long as the check lives
  std::uint16_t port = 0;               // of an httpGet or tcpSocket, names resolved
  std::chrono::nanoseconds timeout;     // 0: none
  bool hook = false;                    // any answer is a success
};

// httpGet, tcpSocket, grpc and sleep. what: borrowed as long as the check lives.
std::unique_ptr<Check> start_check(boost::asio::io_context& io, const pod::Check& what,
                                   const CheckOptions& options, CheckDone done);
// What has failed before it began.
std::unique_ptr<Check> failed_check(boost::asio::io_context& io, std::string message,
                                    CheckDone done);

}  // namespace pausa::supervisor
