// Ports of this machine that lead into a pod for as long as a command wants it (`port-forward`).
// The sockets that listen stay when the pod, or the container that serves, goes and comes again:
// who connects meanwhile waits. It never leaves its namespaces: sockets of the pod's network are
// made there by a child that is gone at once (sys/net_socket.hpp), with root and without.
#pragma once

#include "pod/port_words.hpp"
#include "state/store.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace pausa::supervisor {

class PortForward {
 public:
  struct Source {
    // To which pods it may lead, by preference; asked again whenever a pod has changed.
    std::function<std::vector<state::PodKey>()> pods;
    std::string words;  // what was asked for: "pod web", "service/db"
    std::function<void(const std::string& sentence)> tell;
  };

  PortForward(state::Store store, Source source);
  ~PortForward();
  PortForward(const PortForward&) = delete;
  PortForward& operator=(const PortForward&) = delete;

  // Listens; local 0: at a port that is free, which is the answer. remote may be a name: each pod
  // has its own number for it. Throws sys::Error; names who has a port that is taken.
  std::uint16_t listen(const std::string& address, std::uint16_t local, const pod::PortRef& remote,
                       bool udp);
  // Until that descriptor is readable.
  void run(int stop);

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace pausa::supervisor
