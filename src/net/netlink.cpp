#include "net/netlink.hpp"

#include "sys/error.hpp"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cstring>

namespace pausa::net {
namespace {

constexpr int patience_seconds = 5;

// One question and what came back so far.
struct Exchange {
  const std::function<void(nlmsghdr*)>* hear;
  bool done = false;
  int error = 0;
};

int on_valid(nl_msg* message, void* argument) {
  const auto& exchange = *static_cast<Exchange*>(argument);
  if (*exchange.hear) (*exchange.hear)(::nlmsg_hdr(message));
  return NL_OK;
}

int on_end(nl_msg* /*message*/, void* argument) {
  static_cast<Exchange*>(argument)->done = true;
  return NL_STOP;
}

// libnl's own numbers are fewer than the kernel's.
int on_error(sockaddr_nl* /*from*/, nlmsgerr* error, void* argument) {
  auto& exchange = *static_cast<Exchange*>(argument);
  exchange.done = true;
  exchange.error = -error->error;
  return NL_STOP;
}

}  // namespace

Message::Message(int type, int flags)
    : message_(::nlmsg_alloc_simple(type, NLM_F_REQUEST | flags)) {
  if (!message_) throw sys::Error(ENOMEM, "make a netlink message");
}

void Message::append(const void* data, std::size_t size) {
  if (::nlmsg_append(message_.get(), const_cast<void*>(data), size, NLMSG_ALIGNTO) < 0)
    throw sys::Error(ENOSPC, "make a netlink message");
}

void Message::put(int type, const void* data, std::size_t size) {
  if (::nla_put(message_.get(), type, static_cast<int>(size), data) < 0)
    throw sys::Error(ENOSPC, "make a netlink message");
}

void Message::nest(int type, const std::function<void()>& content) {
  nlattr* const outer = ::nla_nest_start(message_.get(), type);
  if (outer == nullptr) throw sys::Error(ENOSPC, "make a netlink message");
  content();
  (void)::nla_nest_end(message_.get(), outer);  // with content there is nothing to fail with
}

Netlink::Netlink(int protocol) : socket_(::nl_socket_alloc()) {
  if (!socket_) throw sys::Error(ENOMEM, "make a netlink socket");
  if (const int failed = ::nl_connect(socket_.get(), protocol); failed < 0)
    throw sys::Error(std::string("make a netlink socket: ") + ::nl_geterror(failed));
  const timeval patience{patience_seconds, 0};
  sys::check(::setsockopt(::nl_socket_get_fd(socket_.get()), SOL_SOCKET, SO_RCVTIMEO, &patience,
                          sizeof patience),
             "set up a netlink socket");
}

int Netlink::ask(const Message& message, const std::function<void(nlmsghdr*)>& hear) {
  Exchange exchange{&hear};
  const std::unique_ptr<nl_cb, void (*)(nl_cb*)> callbacks(::nl_cb_alloc(NL_CB_DEFAULT),
                                                           ::nl_cb_put);
  if (!callbacks) return ENOMEM;
  (void)::nl_cb_set(callbacks.get(), NL_CB_VALID, NL_CB_CUSTOM, on_valid, &exchange);
  (void)::nl_cb_set(callbacks.get(), NL_CB_FINISH, NL_CB_CUSTOM, on_end, &exchange);
  (void)::nl_cb_set(callbacks.get(), NL_CB_ACK, NL_CB_CUSTOM, on_end, &exchange);
  (void)::nl_cb_err(callbacks.get(), NL_CB_CUSTOM, on_error, &exchange);
  ::nlmsg_hdr(message.get())->nlmsg_flags |= NLM_F_ACK;
  ::nl_complete_msg(socket_.get(), message.get());
  if (::nl_send(socket_.get(), message.get()) < 0) return errno != 0 ? errno : EIO;
  while (!exchange.done) {
    errno = 0;
    if (::nl_recvmsgs(socket_.get(), callbacks.get()) >= 0 || exchange.done) continue;
    return errno == EAGAIN ? ETIMEDOUT : errno != 0 ? errno : EIO;
  }
  return exchange.error;
}

int Netlink::commit(const std::vector<Message>& changes) {
  std::string bytes;
  std::uint32_t number = 0;
  // Past libnl, which would count these as questions and expect an answer to each.
  const auto add = [&](const Message& part) {
    auto* header = ::nlmsg_hdr(part.get());
    header->nlmsg_seq = ++number;
    bytes.append(reinterpret_cast<const char*>(header), header->nlmsg_len);
    bytes.resize(NLMSG_ALIGN(bytes.size()));
  };
  const auto add_mark = [&add](int type) {
    Message edge(type, 0);
    edge.header(nfgenmsg{AF_UNSPEC, NFNETLINK_V0, htons(NFNL_SUBSYS_NFTABLES)});
    add(edge);
  };
  add_mark(NFNL_MSG_BATCH_BEGIN);
  for (const auto& change : changes) {
    if (&change == &changes.back()) ::nlmsg_hdr(change.get())->nlmsg_flags |= NLM_F_ACK;
    add(change);
  }
  const std::uint32_t last = number;
  add_mark(NFNL_MSG_BATCH_END);
  const int socket = ::nl_socket_get_fd(socket_.get());
  if (::send(socket, bytes.data(), bytes.size(), 0) < 0) return errno;
  // One answer about the last, or about the first mark when that is refused; before it, one about
  // each that fails. They come together, each as a datagram of its own.
  alignas(nlmsghdr) std::array<char, 4096> answer;
  int failed = 0;
  for (;;) {
    const auto size = ::recv(socket, answer.data(), answer.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno == EAGAIN ? ETIMEDOUT : errno;
    const auto* header = reinterpret_cast<const nlmsghdr*>(answer.data());
    if (!NLMSG_OK(header, static_cast<std::size_t>(size))) return EIO;
    if (header->nlmsg_type != NLMSG_ERROR) continue;
    if (failed == 0) failed = -static_cast<const nlmsgerr*>(NLMSG_DATA(header))->error;
    if (header->nlmsg_seq == last || header->nlmsg_seq == 1) return failed;
  }
}

void Netlink::must(const Message& message, const std::string& doing) {
  if (const int failed = ask(message); failed != 0) throw sys::Error(failed, doing);
}

std::optional<Address> address_in(const nlattr* attribute, bool v6) {
  Address address;
  address.v6 = v6;
  if (attribute == nullptr || static_cast<std::size_t>(::nla_len(attribute)) != address.size())
    return std::nullopt;
  std::memcpy(address.bytes.data(), ::nla_data(attribute), address.size());
  return address;
}

}  // namespace pausa::net
