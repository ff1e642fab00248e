// Checks by socket: a connection from inside the pod's network, and a short conversation on it.
#include "pod/duration.hpp"
#include "pod/grpc_check.hpp"
#include "pod/http_check.hpp"
#include "supervisor/check.hpp"
#include "supervisor/fd_watch.hpp"
#include "supervisor/tls_relay.hpp"
#include "sys/error.hpp"
#include "sys/own_program.hpp"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <cstring>
#include <optional>

namespace pausa::supervisor {
namespace {

constexpr int most_redirects = 10;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

// The pod's own address is its loopback: there the members find each other.
std::optional<Address> address_of(std::string host, std::uint16_t port) {
  if (host.empty() || host == "localhost") host = "127.0.0.1";
  Address address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (::inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address.size = sizeof *v4;
  } else if (::inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    address.size = sizeof *v6;
  } else {
    return std::nullopt;
  }
  return address;
}

std::string shown(const std::string& host, std::uint16_t port) {
  const std::string name = host.empty() ? "127.0.0.1" : host;
  return (name.find(':') == std::string::npos ? name : "[" + name + "]") + ":" +
         std::to_string(port);
}

// The result goes through the loop, so that whoever gets it may destroy the check.
class Answering : public Check {
 public:
  Answering(boost::asio::io_context& io, CheckDone done) : io_(io), done_(std::move(done)) {}
  ~Answering() override { *alive_ = false; }

 protected:
  void finish(CheckResult result) {
    if (!done_) return;
    boost::asio::post(
        io_, [alive = alive_, done = std::exchange(done_, nullptr), result = std::move(result)] {
          if (*alive) done(result);
        });
  }
  bool finished() const { return !done_; }

  boost::asio::io_context& io_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

 private:
  CheckDone done_;
};

class SleepCheck : public Answering {
 public:
  SleepCheck(boost::asio::io_context& io, std::chrono::seconds time, CheckDone done)
      : Answering(io, std::move(done)), timer_(io, time) {
    timer_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
      if (*alive && !error) finish({true, false, {}});
    });
  }

 private:
  boost::asio::steady_timer timer_;
};

class SocketCheck : public Answering {
 public:
  SocketCheck(boost::asio::io_context& io, const CheckOptions& options, CheckDone done)
      : Answering(io, std::move(done)), options_(options), timer_(io) {
    if (options.timeout.count() == 0) return;
    timer_.expires_after(options.timeout);
    timer_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
      if (*alive && !error) fail(connected_ ? late_ : "dial tcp " + peer_ + ": i/o timeout");
    });
  }

 protected:
  void connect(const std::string& host, std::uint16_t port) {
    watch_.reset();
    socket_.reset();
    relay_.reset();
    connected_ = false;
    ++connections_;
    out_.clear();
    peer_ = shown(host, port);
    const auto address = address_of(host, port);
    if (!address)
      return fail("dial tcp " + peer_ + ": the host must be an IP address or localhost");
    try {
      const int domain = address->storage.ss_family;
      if (options_.network_pidfd >= 0)
        socket_ = options_.sockets->take(options_.network_pidfd, domain);
      else
        socket_.reset(::socket(domain, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      sys::check(socket_.get(), "make a socket");
    } catch (const sys::Error& error) {
      return fail(error.what());
    }
    const int result = ::connect(
        socket_.get(), reinterpret_cast<const sockaddr*>(&address->storage), address->size);
    if (result < 0 && errno != EINPROGRESS) return fail(refusal(errno));
    // Over the loopback the answer is mostly there when connect(2) returns, though it says that it
    // is under way: no need to ask the loop.
    pollfd ready{socket_.get(), POLLOUT, 0};
    if (result == 0 || ::poll(&ready, 1, 0) > 0) return on_answer();
    watch().wait_writable([this] { on_answer(); });
  }

  void send(std::string text) {
    out_ += text;
    while (!out_.empty()) {
      const ssize_t sent = ::send(socket_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
      if (sent < 0) {
        if (errno == EAGAIN) return watch().wait_writable([this] { send({}); });
        return fail("write to " + peer_ + ": " + std::strerror(errno));
      }
      out_.erase(0, static_cast<std::size_t>(sent));
    }
  }

  void receive() {
    watch().wait([this] {
      std::array<char, 4096> buffer;
      const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
      if (got < 0 && errno == EAGAIN) return receive();
      if (got <= 0) return fail(why_lost(got == 0 ? 0 : errno));
      const int connection = connections_;
      take({buffer.data(), static_cast<std::size_t>(got)});
      if (!finished() && connection == connections_) receive();
    });
  }

  // What is said from here on goes through TLS. A name is told to the server, an address is not.
  void secure(const std::string& host) {
    const bool named = address_of(host, 0) == std::nullopt || host == "localhost";
    watch_.reset();
    relay_.emplace(sys::helper_path("pausa-tls"), std::move(socket_), named ? host : std::string());
    socket_ = relay_->take_stream();
  }

  void succeed() { end({true, false, {}}); }
  void fail(std::string message) { end({false, false, std::move(message)}); }
  void end(CheckResult result) {
    timer_.cancel();
    finish(std::move(result));
  }

  virtual void talk() = 0;
  virtual void take(std::string_view /*bytes*/) {}

  CheckOptions options_;
  std::string scope_;  // of failures on the way
  std::string late_ = "context deadline exceeded while awaiting the answer";

 private:
  // Only what does not go at once needs one.
  FdWatch& watch() {
    if (!watch_) watch_.emplace(io_, socket_.get());
    return *watch_;
  }
  void on_answer() {
    int error = 0;
    socklen_t size = sizeof error;
    (void)::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return fail(refusal(error));
    connected_ = true;
    talk();
  }
  std::string why_lost(int error) const {
    // What the relay says is in whole words; that it says nothing means the server's orderly end.
    if (const std::string told = relay_ ? relay_->failure() : ""; !told.empty())
      return scope_ + told;
    if (error != 0) return scope_ + "read from " + peer_ + ": " + std::strerror(error);
    return scope_ +
           (relay_ ? "EOF" : "read from " + peer_ + ": the connection ends before the answer");
  }
  std::string refusal(int error) const {
    return "dial tcp " + peer_ + ": connect: " + std::strerror(error);
  }

  boost::asio::steady_timer timer_;
  sys::UniqueFd socket_;
  std::optional<FdWatch> watch_;
  std::optional<TlsRelay> relay_;
  std::string peer_;
  std::string out_;
  bool connected_ = false;
  int connections_ = 0;  // so far: a redirect makes another
};

class TcpSocketCheck : public SocketCheck {
 public:
  TcpSocketCheck(boost::asio::io_context& io, const pod::TcpCheck& what,
                 const CheckOptions& options, CheckDone done)
      : SocketCheck(io, options, std::move(done)) {
    connect(what.host, options.port);
  }

 private:
  void talk() override { succeed(); }
};

class HttpGetCheck : public SocketCheck {
 public:
  HttpGetCheck(boost::asio::io_context& io, const pod::HttpCheck& what, const CheckOptions& options,
               CheckDone done)
      : SocketCheck(io, options, std::move(done)),
        what_(what),
        place_{what.https, what.host.empty() ? "127.0.0.1" : what.host, options.port, what.path} {
    go();
  }

 private:
  void go() {
    scope_ = "Get \"" + pod::url_of(place_) + "\": ";
    late_ = scope_ + "context deadline exceeded while awaiting headers";
    answer_ = {};
    connect(place_.host, place_.port);
  }
  void talk() override {
    if (place_.https) {
      try {
        secure(place_.host);
      } catch (const sys::Error& error) {
        return fail(scope_ + error.what());
      }
    }
    send(pod::http_request(place_, what_));
    if (!finished()) receive();
  }
  void take(std::string_view bytes) override {
    switch (answer_.take(bytes)) {
      case pod::HttpAnswer::Progress::more:
        return;
      case pod::HttpAnswer::Progress::malformed:
        return fail(scope_ + "the answer is not HTTP");
      case pod::HttpAnswer::Progress::done:
        break;
    }
    if (options_.hook) return succeed();
    if (answer_.redirects()) return follow();
    const int status = answer_.status();
    if (status >= 200 && status < 400) return succeed();
    fail("HTTP probe failed with statuscode: " + std::to_string(status));
  }
  // Within the host, as the kubelet: what another one says is not this container's health.
  void follow() {
    const auto next = pod::redirect(place_, answer_.location());
    if (!next)
      return fail("redirect to \"" + answer_.location() + "\", which is no place for HTTP");
    if (next->host != place_.host)
      return end({true, true, "Probe terminated redirects, to " + pod::url_of(*next)});
    if (++redirects_ >= most_redirects) return fail(scope_ + "stopped after 10 redirects");
    place_ = *next;
    go();
  }

  const pod::HttpCheck& what_;
  pod::HttpPlace place_;
  pod::HttpAnswer answer_;
  int redirects_ = 0;
};

class GrpcHealthCheck : public SocketCheck {
 public:
  GrpcHealthCheck(boost::asio::io_context& io, const pod::GrpcCheck& what,
                  const CheckOptions& options, CheckDone done)
      : SocketCheck(io, options, std::move(done)), what_(what) {
    late_ = "timeout: health rpc did not complete within " + pod::duration_text(options.timeout);
    connect({}, what.port);
  }

 private:
  void talk() override {
    send(pod::grpc_request(what_.service, "127.0.0.1:" + std::to_string(what_.port)));
    if (!finished()) receive();
  }
  void take(std::string_view bytes) override {
    std::string replies;
    const auto progress = answer_.take(bytes, replies);
    if (progress == pod::GrpcAnswer::Progress::serving) return succeed();
    if (progress == pod::GrpcAnswer::Progress::failed) return fail(answer_.message());
    if (!replies.empty()) send(std::move(replies));
  }

  const pod::GrpcCheck& what_;
  pod::GrpcAnswer answer_;
};

class FailedCheck : public Answering {
 public:
  FailedCheck(boost::asio::io_context& io, std::string message, CheckDone done)
      : Answering(io, std::move(done)) {
    finish({false, false, std::move(message)});
  }
};

}  // namespace

std::unique_ptr<Check> start_check(boost::asio::io_context& io, const pod::Check& what,
                                   const CheckOptions& options, CheckDone done) {
  if (const auto* http = std::get_if<pod::HttpCheck>(&what))
    return std::make_unique<HttpGetCheck>(io, *http, options, std::move(done));
  if (const auto* tcp = std::get_if<pod::TcpCheck>(&what))
    return std::make_unique<TcpSocketCheck>(io, *tcp, options, std::move(done));
  if (const auto* grpc = std::get_if<pod::GrpcCheck>(&what))
    return std::make_unique<GrpcHealthCheck>(io, *grpc, options, std::move(done));
  return std::make_unique<SleepCheck>(io, std::get<pod::Sleep>(what).time, std::move(done));
}

std::unique_ptr<Check> failed_check(boost::asio::io_context& io, std::string message,
                                    CheckDone done) {
  return std::make_unique<FailedCheck>(io, std::move(message), std::move(done));
}

}  // namespace pausa::supervisor
