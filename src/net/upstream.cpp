#include "net/upstream.hpp"

#include "net/dns_message.hpp"
#include "net/socket_address.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"
#include "sys/path.hpp"

#include <sys/random.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>

namespace pausa::net {
namespace {

namespace asio = boost::asio;
using Descriptor = asio::posix::stream_descriptor;

constexpr std::uint16_t dns_port = 53;
constexpr std::size_t most_servers = 3;
constexpr std::size_t most_answer = 65535;
constexpr std::size_t most_datagram = 4096;
constexpr std::size_t resolv_conf_limit = 64U << 10U;
constexpr std::chrono::seconds patience(2);

std::uint16_t random_id() {
  std::uint16_t id = 0;
  sys::check(::getrandom(&id, sizeof id, 0), "choose an id");
  return id;
}

class Exchange : public Upstream {
 public:
  Exchange(asio::io_context& io, std::string query, bool tcp, std::vector<Address> servers,
           Done done)
      : io_(io),
        asked_(std::move(query)),
        servers_(std::move(servers)),
        done_(std::move(done)),
        timer_(io),
        alive_(std::make_shared<bool>(true)),
        tcp_(tcp) {
    asio::post(io_, [this, alive = alive_] {
      if (*alive) ask();
    });
  }
  ~Exchange() override { *alive_ = false; }

 private:
  // The next server, until one answers.
  void ask() {
    socket_.reset();
    timer_.cancel();
    while (next_ < servers_.size()) {
      const auto place = socket_address(servers_[next_++], dns_port);
      const int type = (tcp_ ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
      const int socket = ::socket(place.get()->sa_family, type, 0);
      if (socket < 0) continue;
      socket_.emplace(io_, socket);
      // Connected, so that only this server is heard; the port is the kernel's choice, by chance.
      if (::connect(socket, place.get(), place.size) < 0 && errno != EINPROGRESS) continue;
      sent_ = dns::with_id(asked_, random_id());
      begin();
      return;
    }
    finish(std::nullopt);
  }

  void begin() {
    timer_.expires_after(patience);
    timer_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
      if (*alive && !error) ask();
    });
    if (tcp_) {
      out_.clear();
      out_ += static_cast<char>(sent_.size() >> 8U & 0xffU);
      out_ += static_cast<char>(sent_.size() & 0xffU);
      out_ += sent_;
      in_.clear();
      wait(Descriptor::wait_write);
      return;
    }
    if (::send(socket_->native_handle(), sent_.data(), sent_.size(), MSG_NOSIGNAL) < 0)
      asio::post(io_, [this, alive = alive_] {
        if (*alive) ask();
      });
    else
      wait(Descriptor::wait_read);
  }

  void wait(Descriptor::wait_type what) {
    socket_->async_wait(
        what, [this, alive = alive_, what, turn = next_](const boost::system::error_code& error) {
          if (!*alive || error || turn != next_) return;
          if (!tcp_)
            take_datagram();
          else if (what == Descriptor::wait_write)
            send_more();
          else
            take_more();
        });
  }

  void take_datagram() {
    std::array<char, most_datagram> bytes;
    const auto size = ::recv(socket_->native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (size < 0 && errno != EAGAIN) return ask();  // nobody listens there
    const std::string_view answer(bytes.data(),
                                  static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    if (!take(answer)) wait(Descriptor::wait_read);
  }

  void send_more() {
    const auto size =
        ::send(socket_->native_handle(), out_.data(), out_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size < 0 && errno != EAGAIN) return ask();
    out_.erase(0, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    wait(out_.empty() ? Descriptor::wait_read : Descriptor::wait_write);
  }

  void take_more() {
    std::array<char, most_datagram> bytes;
    const auto size = ::recv(socket_->native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (size == 0 || (size < 0 && errno != EAGAIN)) return ask();
    in_.append(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    if (in_.size() >= 2) {
      const std::size_t wanted = static_cast<std::size_t>(static_cast<unsigned char>(in_[0]))
                                     << 8U |
                                 static_cast<unsigned char>(in_[1]);
      if (in_.size() >= wanted + 2) {
        if (!take(std::string_view(in_).substr(2, wanted))) ask();
        return;
      }
      if (in_.size() > most_answer + 2) return ask();
    }
    wait(Descriptor::wait_read);
  }

  // Whether it is what we have asked for.
  bool take(std::string_view answer) {
    if (!dns::answers(answer, sent_)) return false;
    const auto code = dns::code_of(answer);
    const bool last = next_ == servers_.size();
    if (!last && (code == dns::Code::server_failure || code > dns::Code::no_such_name)) {
      ask();
      return true;
    }
    finish(dns::with_id(answer,
                        static_cast<std::uint16_t>(static_cast<unsigned char>(asked_[0]) << 8U |
                                                   static_cast<unsigned char>(asked_[1]))));
    return true;
  }

  // The owner may end us in it.
  void finish(std::optional<std::string> answer) {
    timer_.cancel();
    socket_.reset();
    const auto done = std::move(done_);
    done(std::move(answer));
  }

  asio::io_context& io_;
  std::string asked_;
  std::string sent_;  // with an id of our own
  std::string out_, in_;
  std::vector<Address> servers_;
  std::size_t next_ = 0;
  Done done_;
  std::optional<Descriptor> socket_;
  asio::steady_timer timer_;
  std::shared_ptr<bool> alive_;
  bool tcp_;
};

}  // namespace

std::vector<Address> read_servers(const std::string& resolv_conf, const Address& ourselves) {
  std::vector<Address> servers;
  const auto text = sys::read_file_at(AT_FDCWD, resolv_conf, resolv_conf_limit).value_or("");
  constexpr std::string_view key = "nameserver";
  constexpr const char* blanks = " \t\r";
  for (std::size_t at = 0; at < text.size() && servers.size() < most_servers;) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    if (!line.starts_with(key) || line.size() <= key.size()) continue;
    const std::size_t begin = line.find_first_not_of(blanks, key.size());
    if (begin == std::string::npos || begin == key.size()) continue;
    const auto address =
        parse_address(line.substr(begin, line.find_first_of(blanks, begin) - begin));
    if (address && *address != ourselves) servers.push_back(*address);
  }
  return servers;
}

std::unique_ptr<Upstream> ask_servers(asio::io_context& io, std::string query, bool tcp,
                                      std::vector<Address> servers, Upstream::Done done) {
  return std::make_unique<Exchange>(io, std::move(query), tcp, std::move(servers), std::move(done));
}

}  // namespace pausa::net
