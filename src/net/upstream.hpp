// One question to the servers of the host, for the resolver. Private to the room.
#pragma once

#include "net/address.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pausa::net {

// The servers that a resolv.conf names, without those that are ourselves.
std::vector<Address> read_servers(const std::string& resolv_conf, const Address& ourselves);

class Upstream {
 public:
  // The answer, with the id of the question; nullopt: nobody has answered.
  using Done = std::function<void(std::optional<std::string> answer)>;

  Upstream() = default;
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;
  virtual ~Upstream() = default;  // ends it unheard
};

// query: a message with one question. Each server is given two seconds, one after the other; each
// is asked from a port and with an id of chance, and heard only when it answers that question. tcp:
// by it alone; else an answer that is cut short comes as it is.
std::unique_ptr<Upstream> ask_servers(boost::asio::io_context& io, std::string query, bool tcp,
                                      std::vector<Address> servers, Upstream::Done done);

}  // namespace pausa::net
