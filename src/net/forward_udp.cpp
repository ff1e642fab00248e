#include "net/descriptors.hpp"
#include "net/forward.hpp"
#include "net/socket_address.hpp"
#include "sys/error.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace pausa::net {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using Descriptor = asio::posix::stream_descriptor;

constexpr std::chrono::seconds idle_limit(60);
constexpr std::chrono::seconds look_every(15);
constexpr std::size_t most_sessions = 2048;
constexpr std::size_t most_bytes = 65536;
constexpr std::size_t most_kept = 1500;
constexpr int packets_at_once = 64;

// Where a packet came from and which of the host's addresses it was sent to: so the answer comes
// from there.
struct Client {
  SocketAddress from;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in6_pktinfo))> to{};
  std::size_t to_size = 0;

  // The host's address that it was sent to; nullopt: unknown.
  std::optional<Address> host() const {
    msghdr message{};
    message.msg_control = const_cast<char*>(to.data());
    message.msg_controllen = to_size;
    for (auto* part = CMSG_FIRSTHDR(&message); part != nullptr;
         part = CMSG_NXTHDR(&message, part)) {
      sockaddr_storage storage{};
      if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO) {
        auto& four = reinterpret_cast<sockaddr_in&>(storage);
        four.sin_family = AF_INET;
        four.sin_addr = reinterpret_cast<const in_pktinfo*>(CMSG_DATA(part))->ipi_addr;
        return address_of(storage);
      }
      if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
        auto& six = reinterpret_cast<sockaddr_in6&>(storage);
        six.sin6_family = AF_INET6;
        six.sin6_addr = reinterpret_cast<const in6_pktinfo*>(CMSG_DATA(part))->ipi6_addr;
        return address_of(storage);
      }
    }
    return std::nullopt;
  }

  std::string key() const {
    return std::string(reinterpret_cast<const char*>(&from.storage), from.size) +
           std::string(to.data(), to_size);
  }
};

struct Session {
  Session(asio::io_context& io, int socket) : server(io, socket) {}
  Client client;
  Descriptor server;
  std::size_t address = 0;  // of the target's
  Clock::time_point last;
  // Until something comes back: what was sent last, for the pod's next address when this one
  // refuses, and how many have.
  std::string kept;
  bool answered = false;
  std::size_t refusals = 0;
};

// What the kernel knows by now of what was sent: over a loopback or a veth that is mostly all.
bool is_refused(int socket) {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == ECONNREFUSED;
}

class UdpForwarder : public Forwarder {
 public:
  UdpForwarder(asio::io_context& io, int socket, ForwardTarget target)
      : io_(io),
        target_(std::move(target)),
        alive_(std::make_shared<bool>(true)),
        listener_(io, socket),
        timer_(io) {
    wait();
  }
  ~UdpForwarder() override {
    *alive_ = false;
    (void)listener_.release();
  }
  void forget() override { address_ = 0; }
  // Without the socket no client would know an answer.
  void retire() override { (void)listener_.release(); }
  bool is_idle() const override { return true; }

 private:
  using Sessions = std::map<std::string, std::unique_ptr<Session>>;

  void wait() {
    listener_.async_wait(Descriptor::wait_read,
                         [this, alive = alive_](const boost::system::error_code& error) {
                           if (!*alive || error) return;
                           take_from_clients();
                           wait();
                         });
  }

  void take_from_clients() {
    const std::unique_ptr<char[]> bytes(new char[most_bytes]);
    for (int i = 0; i < packets_at_once; ++i) {
      Client client;
      client.from.size = sizeof client.from.storage;
      iovec part{bytes.get(), most_bytes};
      msghdr message{};
      message.msg_name = &client.from.storage;
      message.msg_namelen = client.from.size;
      message.msg_iov = &part;
      message.msg_iovlen = 1;
      message.msg_control = client.to.data();
      message.msg_controllen = client.to.size();
      const auto size = ::recvmsg(listener_.native_handle(), &message, MSG_DONTWAIT);
      if (size < 0 && errno == EAGAIN) return;
      if (size < 0) continue;  // an ICMP error of a client that has gone
      client.from.size = message.msg_namelen;
      client.to_size = std::min<std::size_t>(message.msg_controllen, client.to.size());
      forward(client, bytes.get(), static_cast<std::size_t>(size));
    }
  }

  void forward(const Client& client, const char* bytes, std::size_t size) {
    const auto key = client.key();
    auto found = sessions_.find(key);
    if (found == sessions_.end()) {
      if (!is_admitted(client)) return;
      auto session = open(client);
      if (!session) return;
      found = sessions_.emplace(key, std::move(session)).first;
      listen(key, *found->second);
      look_later();
    }
    found->second->last = Clock::now();
    send(found, {bytes, size});
  }

  bool is_admitted(const Client& client) const {
    if (!target_.admits) return true;
    const auto from = address_of(client.from.storage);
    return is_loopback(from) || client.host() == from || target_.admits(from);
  }

  // Where nobody listens the next address of the pod is tried, once each.
  void send(Sessions::iterator session, std::string_view bytes) {
    auto& it = *session->second;
    // A full buffer loses the packet, as everywhere.
    const bool refuses =
        ::send(it.server.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT) < 0
            ? errno == ECONNREFUSED
            : !it.answered && is_refused(it.server.native_handle());
    if (refuses) return refused(session, bytes);
    if (!it.answered && bytes.size() <= most_kept) it.kept = bytes;
  }

  std::unique_ptr<Session> open(const Client& client) {
    if (sessions_.size() >= most_sessions) drop_oldest();
    for (std::size_t tries = 0; tries < target_.addresses.size(); ++tries, next_address()) {
      try {
        const Address& address = target_.addresses[address_];
        auto socket = target_.make_socket(address.v6 ? AF_INET6 : AF_INET, SOCK_DGRAM);
        if (socket.get() >= most_descriptors()) return nullptr;
        const auto place = socket_address(address, target_.port);
        if (::connect(socket.get(), place.get(), place.size) < 0) continue;
        auto session = std::make_unique<Session>(io_, socket.release());
        session->client = client;
        session->address = address_;
        return session;
      } catch (const std::exception&) {
        continue;  // no IPv6; no descriptor left; the pod has gone
      }
    }
    return nullptr;
  }

  void listen(const std::string& key, Session& session) {
    session.server.async_wait(Descriptor::wait_read,
                              [this, alive = alive_, key](const boost::system::error_code& error) {
                                if (!*alive || error) return;
                                const auto found = sessions_.find(key);
                                if (found == sessions_.end()) return;
                                if (take_from_server(*found->second))
                                  listen(key, *found->second);
                                else
                                  refused(found, std::string(found->second->kept));
                              });
  }

  // False: nobody listens in the pod.
  bool take_from_server(Session& session) {
    const std::unique_ptr<char[]> bytes(new char[most_bytes]);
    for (int i = 0; i < packets_at_once; ++i) {
      const auto size =
          ::recv(session.server.native_handle(), bytes.get(), most_bytes, MSG_DONTWAIT);
      if (size < 0) return errno != ECONNREFUSED;
      session.last = Clock::now();
      if (!session.answered && target_.answered)
        target_.answered(target_.addresses[session.address]);
      session.answered = true;
      session.refusals = 0;
      session.kept = {};
      iovec part{bytes.get(), static_cast<std::size_t>(size)};
      msghdr message{};
      message.msg_name = &session.client.from.storage;
      message.msg_namelen = session.client.from.size;
      message.msg_iov = &part;
      message.msg_iovlen = 1;
      message.msg_control = session.client.to.data();
      message.msg_controllen = session.client.to_size;
      (void)::sendmsg(listener_.native_handle(), &message, MSG_DONTWAIT);
    }
    return true;
  }

  void refused(Sessions::iterator session, std::string_view bytes) {
    const auto client = session->second->client;
    const auto refusals = session->second->refusals + 1;
    const auto key = session->first;
    sessions_.erase(session);
    next_address();
    if (bytes.empty() || refusals >= target_.addresses.size()) return;
    auto next = open(client);
    if (!next) return;
    next->refusals = refusals;
    next->last = Clock::now();
    const auto found = sessions_.emplace(key, std::move(next)).first;
    listen(key, *found->second);
    send(found, bytes);
  }
  void next_address() { address_ = (address_ + 1) % target_.addresses.size(); }

  void drop_oldest() {
    auto oldest = sessions_.begin();
    for (auto it = sessions_.begin(); it != sessions_.end(); ++it)
      if (it->second->last < oldest->second->last) oldest = it;
    sessions_.erase(oldest);
  }

  // The timer runs only while there are sessions.
  void look_later() {
    if (looking_) return;
    looking_ = true;
    timer_.expires_after(look_every);
    timer_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
      if (!*alive || error) return;
      looking_ = false;
      const auto now = Clock::now();
      std::erase_if(sessions_,
                    [now](const auto& entry) { return now - entry.second->last > idle_limit; });
      if (!sessions_.empty()) look_later();
    });
  }

  asio::io_context& io_;
  ForwardTarget target_;
  std::shared_ptr<bool> alive_;
  Descriptor listener_;
  asio::steady_timer timer_;
  bool looking_ = false;
  std::size_t address_ = 0;  // of the pod, that was answered last
  Sessions sessions_;
};

}  // namespace

std::unique_ptr<Forwarder> forward_udp(asio::io_context& io, int socket, ForwardTarget target) {
  return std::make_unique<UdpForwarder>(io, socket, std::move(target));
}

}  // namespace pausa::net
