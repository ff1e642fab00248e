// The names of pods and Services for those on the bridge: a responder for DNS on the bridge's
// address, UDP and TCP, in the loop of each supervisor that has a pod there. All of them listen on
// the same port (SO_REUSEPORT), the kernel spreads the questions over them, and any can answer,
// since what there is to know lies in files. So nobody has to be elected or to run for it. What is
// not ours is passed on to the servers of the host's resolv.conf.
#pragma once

#include "net/bridge.hpp"

#include <boost/asio/io_context.hpp>

#include <memory>
#include <string>

namespace pausa::net {

inline constexpr std::uint16_t dns_port = 53;

class Resolver {
 public:
  Resolver() = default;
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  // What waits in its socket and is ours is answered before it goes.
  virtual ~Resolver() = default;
};

// On the bridge in that network (borrowed while this is called; -1: the caller's); others are asked
// from the caller's. An empty one: somebody else has the port, or the bridge is not there; why: a
// sentence. resolv_conf: of the host; read for each question that is passed on.
std::unique_ptr<Resolver> answer_names(boost::asio::io_context& io, const BridgeConfig& config,
                                       const Pool& pool, std::string& why, int network = -1,
                                       std::string resolv_conf = "/etc/resolv.conf");

}  // namespace pausa::net
