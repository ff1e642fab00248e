// The way out of a network namespace for who has no privilege on the host: pasta(1). It makes an
// interface in there, and for what leaves by it speaks with sockets of the user's own on the host.
// The interface has addresses of its own and not the host's, as pasta would give it unasked: so the
// host itself can be reached from inside by its addresses. What listens on the host's loopback
// cannot.
#pragma once

#include "sys/fd.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace pausa::net {

// Where pasta is installed; empty: it is not.
std::string pasta_program();
// Its argv. network: the path of the namespace.
std::vector<std::string> pasta_arguments(const std::string& network);

// There pasta answers for the first name server of the host, also for one on its loopback.
inline constexpr const char* pasta_name_server = "169.254.86.3";

// What the text of pasta's standard error says to people.
std::string pasta_words(const std::string& errors);

// Waits for pasta. To be made before it is started, by who is in the host's network and has
// privilege over the namespace.
class WayOut {
 public:
  // network: the namespace, as a descriptor.
  explicit WayOut(int network);

  enum class State : std::uint8_t { open, ended, late };
  // Until the default routes that the host has are there inside as well, or the process ended.
  State await(int pidfd, std::chrono::milliseconds patience);

 private:
  void hear();

  bool v4_ = false;  // awaited
  bool v6_ = false;
  sys::UniqueFd routes_;  // tells of new ones in the namespace
};

}  // namespace pausa::net
