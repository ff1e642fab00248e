// What a command asks of a pod's supervisor over the pod's control socket (RUNDIR/control.sock,
// SOCK_SEQPACKET): one JSON packet there, one back when it is done. Looking needs no supervisor:
// the record and the logs are files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pausa::control {

enum class Op : std::uint8_t {
  ping,
  stop,      // end the pod; answered when nothing of it runs any more
  remove,    // stop, then remove everything of it
  restart,   // one container, in the living pod; answered when it is running again
  refresh,   // objects have changed: write the pod's generated files anew
  update,    // take the staged manifest over; answered when the changed containers run again
  add,       // an ephemeral container; answered when it has been started
  condition  // set one that a readinessGate may name
};

struct Request {
  Op op = Op::ping;
  std::string container;                 // restart
  std::optional<std::int64_t> grace_ms;  // else the manifest's
  std::string object;                    // add, condition: as JSON
  std::vector<std::string> images;       // update: what each container's image was found to be
};

struct Reply {
  bool ok = true;
  std::string error;  // one sentence
};

inline constexpr std::size_t max_packet = 64 * 1024;

std::string encode(const Request& request);
std::string encode(const Reply& reply);
// nullopt: not a request that we know.
std::optional<Request> decode_request(std::string_view packet);
std::optional<Reply> decode_reply(std::string_view packet);

}  // namespace pausa::control
