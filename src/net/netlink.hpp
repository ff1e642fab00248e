// A netlink socket and the messages that go over it (netlink(7)), over libnl's core. Of libnl only
// what carries messages is used: its objects for links and routes come with caches and
// constructors, which every start of the program would pay for. Private to the room.
#pragma once

#include "net/address.hpp"

#include <netlink/msg.h>
#include <netlink/netlink.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pausa::net {

class Message {
 public:
  // type: RTM_NEWLINK…; flags beside NLM_F_REQUEST.
  Message(int type, int flags);

  template <typename Header>
  void header(const Header& value) {
    append(&value, sizeof value);
  }
  void put(int type, const void* data, std::size_t size);
  void put(int type, std::uint32_t value) { put(type, &value, sizeof value); }
  void put(int type, const std::string& text) { put(type, text.c_str(), text.size() + 1); }
  void put(int type, const Address& address) { put(type, address.bytes.data(), address.size()); }
  // What `content` puts is inside the attribute.
  void nest(int type, const std::function<void()>& content);
  // A struct inside an attribute, before its other content.
  void append(const void* data, std::size_t size);

  nl_msg* get() const { return message_.get(); }

 private:
  struct Free {
    void operator()(nl_msg* message) const { ::nlmsg_free(message); }
  };
  std::unique_ptr<nl_msg, Free> message_;
};

class Netlink {
 public:
  // NETLINK_ROUTE or NETLINK_NETFILTER, of the network namespace in which we are now.
  explicit Netlink(int protocol);

  // Sends and waits for the kernel's word, at most five seconds: 0 or an errno. What it answers
  // beside that goes to `hear`, message by message.
  int ask(const Message& message, const std::function<void(nlmsghdr*)>& hear = nullptr);
  // The same for changes of nf_tables, which takes them between two marks: all or none. The errno
  // is that of the first that fails.
  int commit(const std::vector<Message>& changes);
  // As ask(); throws sys::Error unless all is well.
  void must(const Message& message, const std::string& doing);

 private:
  struct Free {
    void operator()(nl_sock* socket) const { ::nl_socket_free(socket); }
  };
  std::unique_ptr<nl_sock, Free> socket_;
};

// Nothing where there is no attribute, or one of another family.
std::optional<Address> address_in(const nlattr* attribute, bool v6);

}  // namespace pausa::net
