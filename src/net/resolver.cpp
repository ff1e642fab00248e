#include "net/resolver.hpp"

#include "net/name_book.hpp"
#include "net/named_bridge.hpp"
#include "net/socket_address.hpp"
#include "net/upstream.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"
#include "sys/net_socket.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <list>

namespace pausa::net {
namespace {

namespace asio = boost::asio;
using Descriptor = asio::posix::stream_descriptor;

constexpr std::size_t most_query = 4096;
constexpr std::size_t most_answer = 65535;
constexpr std::size_t most_under_way = 128;  // questions that others are asked
constexpr std::size_t most_connections = 32;
constexpr std::size_t share = 4;  // who asks most has at most a fourth of either
constexpr int packets_at_once = 64;
constexpr int backlog = 128;
constexpr std::chrono::seconds idle_limit(10);
constexpr std::chrono::milliseconds exhausted_pause(100);

sys::UniqueFd bind_to(const SocketAddress& place, int type, int network) {
  const int family = place.get()->sa_family;
  auto socket =
      network >= 0
          ? sys::socket_in(network, family, type)
          : sys::UniqueFd(sys::check(::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
                                     "make a socket"));
  const int yes = 1;
  sys::check(::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes),
             "share a port");
  if (type == SOCK_STREAM)
    sys::check(::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes),
               "share a port");
  sys::check(::bind(socket.get(), place.get(), place.size), "listen for names");
  if (type == SOCK_STREAM) sys::check(::listen(socket.get(), backlog), "listen for names");
  return socket;
}

// Answers go where the question came from.
using Reply = std::function<void(const std::string& answer)>;

class Responder : public Resolver {
 public:
  Responder(asio::io_context& io, const BridgeConfig& config, const Pool& pool, sys::UniqueFd udp,
            sys::UniqueFd tcp, std::string resolv_conf)
      : io_(io),
        book_(config.folder),
        leases_(config.leases()),
        resolv_conf_(std::move(resolv_conf)),
        pool_(pool),
        internal_(is_internal(config)),
        udp_(io, udp.release()),
        tcp_(io, tcp.release()),
        idle_(io),
        pause_(io),
        alive_(std::make_shared<bool>(true)) {
    wait_for_datagrams();
    wait_for_connections();
  }
  ~Responder() override {
    *alive_ = false;
    leaving_ = true;
    try {
      take_datagrams();
    } catch (const std::exception&) {
      // Who asked asks again.
    }
  }

 private:
  struct Connection {
    Connection(asio::io_context& io, int accepted, const Address& from)
        : socket(io, accepted), by(from) {}
    Descriptor socket;
    Address by;
    std::string in;
    std::chrono::steady_clock::time_point last = std::chrono::steady_clock::now();
  };
  using Connections = std::list<std::shared_ptr<Connection>>;
  struct Asked {
    Address by;
    std::unique_ptr<Upstream> question;
  };

  void wait_for_datagrams() {
    udp_.async_wait(Descriptor::wait_read,
                    [this, alive = alive_](const boost::system::error_code& error) {
                      if (!*alive || error) return;
                      take_datagrams();
                      wait_for_datagrams();
                    });
  }

  void take_datagrams() {
    std::array<char, most_query> bytes;
    for (int i = 0; i < packets_at_once; ++i) {
      SocketAddress from;
      from.size = sizeof from.storage;
      const auto size = ::recvfrom(udp_.native_handle(), bytes.data(), bytes.size(),
                                   MSG_DONTWAIT | MSG_TRUNC, from.get(), &from.size);
      if (size < 0 && errno == EAGAIN) return;
      if (size < 0 || static_cast<std::size_t>(size) > bytes.size()) continue;
      const auto by = neighbour(from);
      if (!by) continue;
      handle({bytes.data(), static_cast<std::size_t>(size)}, false, *by,
             [this, alive = alive_, from](const std::string& answer) {
               if (*alive || leaving_)
                 (void)::sendto(udp_.native_handle(), answer.data(), answer.size(),
                                MSG_DONTWAIT | MSG_NOSIGNAL, from.get(), from.size);
             });
    }
  }

  // The machine's router may bring questions from elsewhere to this address; they are not answered.
  std::optional<Address> neighbour(const SocketAddress& from) const {
    Address address;
    std::memcpy(address.bytes.data(), &reinterpret_cast<const sockaddr_in&>(from.storage).sin_addr,
                4);
    if (from.storage.ss_family != AF_INET || !pool_.v4.contains(address)) return std::nullopt;
    return address;
  }

  // What goes wrong here, for want of descriptors or by a file of the machine, is no end for all.
  void handle(std::string_view message, bool tcp, const Address& by, const Reply& reply) {
    try {
      respond(message, tcp, by, reply);
    } catch (const std::exception&) {
      reply(dns::make_refusal(message, dns::Code::server_failure));
    }
  }

  void respond(std::string_view message, bool tcp, const Address& by, const Reply& reply) {
    const auto parsed = dns::parse_query(message);
    if (!parsed.query) {
      if (parsed.code) reply(dns::make_refusal(message, *parsed.code));
      return;
    }
    const auto& query = *parsed.query;
    const std::size_t most = tcp ? most_answer : query.most_bytes;
    const auto answer = answer_by_name(query, book_, leases_, pool_);
    if (!answer && internal_) return reply(dns::make_refusal(message, dns::Code::no_such_name));
    if (!answer) {
      pass_on(std::string(message), tcp, by,
              [message = std::string(message), reply](auto response) {
                reply(response ? *response : dns::make_refusal(message, dns::Code::server_failure));
              });
      return;
    }
    const bool leads_out =
        answer->code == dns::Code::no_error && answer->authority.empty() &&
        !answer->records.empty() &&
        answer->records.back().type == static_cast<std::uint16_t>(dns::Type::cname);
    if (!leads_out || query.type == static_cast<std::uint16_t>(dns::Type::cname)) {
      reply(dns::make_answer(message, query, *answer, most));
      return;
    }
    follow(message, query, *answer, most, by, reply);
  }

  // A name that stands for one outside: its addresses belong into the answer (RFC 1034, 3.6.2).
  void follow(std::string_view message, const dns::Query& query, const dns::Answer& alias,
              std::size_t most, const Address& by, const Reply& reply) {
    const std::string target = alias.records.back().data;
    pass_on(dns::make_query(query.id, target, query.type), false, by,
            [message = std::string(message), query, alias, most, reply](auto response) {
              dns::Answer answer = alias;
              auto more = response ? dns::answers_of(*response) : std::nullopt;
              if (more)
                answer.records.insert(answer.records.end(), more->begin(), more->end());
              else
                answer.code = dns::Code::server_failure;
              reply(dns::make_answer(message, query, answer, most));
            });
  }

  // Beyond what can be borne nothing is asked: who wants to know asks again. Nobody takes it all
  // from the others.
  void pass_on(std::string query, bool tcp, const Address& by,
               std::function<void(std::optional<std::string>)> done) {
    if (internal_) return done(std::nullopt);  // a question is a way to the world as well
    const auto own = std::count_if(under_way_.begin(), under_way_.end(),
                                   [&by](const Asked& asked) { return asked.by == by; });
    if (leaving_ || under_way_.size() >= most_under_way ||
        static_cast<std::size_t>(own) >= most_under_way / share)
      return;
    auto servers = read_servers(resolv_conf_, pool_.v4_of(Pool::bridge_number));
    const auto place = under_way_.emplace(under_way_.end(), Asked{by, nullptr});
    place->question =
        ask_servers(io_, std::move(query), tcp, std::move(servers),
                    [this, place, done = std::move(done)](std::optional<std::string> answer) {
                      const auto ended = std::move(place->question);
                      under_way_.erase(place);
                      done(std::move(answer));
                    });
  }

  void wait_for_connections() {
    tcp_.async_wait(Descriptor::wait_read,
                    [this, alive = alive_](const boost::system::error_code& error) {
                      if (!*alive || error) return;
                      if (accept_connections())
                        wait_for_connections();
                      else
                        wait_later();
                    });
  }

  // No descriptor is left, and who waits would wake us at once: later.
  void wait_later() {
    pause_.expires_after(exhausted_pause);
    pause_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
      if (*alive && !error) wait_for_connections();
    });
  }

  bool accept_connections() {
    for (int i = 0; i < packets_at_once; ++i) {
      SocketAddress from;
      from.size = sizeof from.storage;
      sys::UniqueFd socket(
          ::accept4(tcp_.native_handle(), from.get(), &from.size, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!socket && (errno == ECONNABORTED || errno == EINTR)) continue;
      if (!socket) return errno == EAGAIN;
      const auto by = neighbour(from);
      if (!by) continue;
      make_room(*by);
      connections_.push_back(std::make_shared<Connection>(io_, socket.release(), *by));
      read_from(connections_.back());
      look_later();
    }
    return true;
  }

  // The oldest go: of who has its share already, else of all.
  void make_room(const Address& by) {
    const auto is_own = [&by](const auto& connection) { return connection->by == by; };
    const auto own = std::count_if(connections_.begin(), connections_.end(), is_own);
    if (static_cast<std::size_t>(own) >= most_connections / share)
      connections_.erase(std::find_if(connections_.begin(), connections_.end(), is_own));
    else if (connections_.size() >= most_connections)
      connections_.pop_front();
  }

  void read_from(const std::shared_ptr<Connection>& connection) {
    connection->socket.async_wait(Descriptor::wait_read,
                                  [this, alive = alive_, weak = std::weak_ptr(connection)](
                                      const boost::system::error_code& error) {
                                    const auto held = weak.lock();
                                    if (!*alive || error || !held) return;
                                    if (take_from(held))
                                      read_from(held);
                                    else
                                      connections_.remove(held);
                                  });
  }

  // False: it has ended, or says what no client says.
  bool take_from(const std::shared_ptr<Connection>& connection) {
    std::array<char, most_query> bytes;
    const auto size =
        ::recv(connection->socket.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (size < 0) return errno == EAGAIN;
    if (size == 0) return false;
    connection->last = std::chrono::steady_clock::now();
    auto& in = connection->in;
    in.append(bytes.data(), static_cast<std::size_t>(size));
    while (in.size() >= 2) {
      const std::size_t wanted = static_cast<std::size_t>(static_cast<unsigned char>(in[0])) << 8U |
                                 static_cast<unsigned char>(in[1]);
      if (wanted > most_query) return false;
      if (in.size() < wanted + 2) return true;
      handle(std::string_view(in).substr(2, wanted), true, connection->by,
             [weak = std::weak_ptr(connection)](const std::string& answer) {
               if (const auto held = weak.lock()) send_to(*held, answer);
             });
      in.erase(0, wanted + 2);
    }
    return true;
  }

  // Who does not take an answer of some hundred bytes has no use for it.
  static void send_to(Connection& connection, const std::string& answer) {
    std::string framed;
    framed += static_cast<char>(answer.size() >> 8U & 0xffU);
    framed += static_cast<char>(answer.size() & 0xffU);
    framed += answer;
    const auto sent = ::send(connection.socket.native_handle(), framed.data(), framed.size(),
                             MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(framed.size()))
      (void)::shutdown(connection.socket.native_handle(), SHUT_RDWR);
  }

  // Runs only while there are connections.
  void look_later() {
    if (looking_) return;
    looking_ = true;
    idle_.expires_after(idle_limit);
    idle_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
      if (!*alive || error) return;
      looking_ = false;
      const auto now = std::chrono::steady_clock::now();
      connections_.remove_if(
          [now](const auto& connection) { return now - connection->last > idle_limit; });
      if (!connections_.empty()) look_later();
    });
  }

  asio::io_context& io_;
  NameBook book_;
  std::string leases_;
  std::string resolv_conf_;
  Pool pool_;
  bool internal_;  // nobody but neighbours is told of
  Descriptor udp_, tcp_;
  std::list<Asked> under_way_;
  Connections connections_;
  asio::steady_timer idle_, pause_;
  std::shared_ptr<bool> alive_;
  bool looking_ = false;
  bool leaving_ = false;
};

}  // namespace

std::unique_ptr<Resolver> answer_names(asio::io_context& io, const BridgeConfig& config,
                                       const Pool& pool, std::string& why, int network,
                                       std::string resolv_conf) {
  const auto place = socket_address(pool.v4_of(Pool::bridge_number), dns_port);
  try {
    auto udp = bind_to(place, SOCK_DGRAM, network);
    auto tcp = bind_to(place, SOCK_STREAM, network);
    return std::make_unique<Responder>(io, config, pool, std::move(udp), std::move(tcp),
                                       std::move(resolv_conf));
  } catch (const sys::Error& error) {
    why = error.err() == EADDRINUSE ? "port 53 of " + to_text(pool.v4_of(Pool::bridge_number)) +
                                          " is taken by another program"
                                    : error.what();
    return nullptr;
  }
}

}  // namespace pausa::net
