// A pod's way onto its bridge: the pair of interfaces, its addresses and its default routes. A
// short-lived child does it, beside whatever else the pod's start has to do: the one who may leave
// the host's network namespace for good, and who takes libnl's memory with it when it ends.
#pragma once

#include "net/bridge.hpp"
#include "sys/fd.hpp"

#include <sys/types.h>

#include <string>

namespace pausa::net {

struct AttachRequest {
  BridgeConfig bridge;
  std::uint32_t number = 0;  // of the pod, in the bridge's pool
  std::string veth;          // its interface on the host; inside it is eth0
  pid_t pid = 0;             // whose network namespace is the pod's
  int pidfd = -1;            // borrowed
  int network = -1;          // that of the bridge, borrowed; -1: the one in which the caller is
};

// Right here: the calling process is in the pod's network namespace afterwards. Makes what is
// missing, so that it may be repeated. Throws sys::Error.
void attach_here(const AttachRequest& request);

// Whether the pod's interface is there, on its bridge.
bool is_attached(const AttachRequest& request);

// One on its way, in a child.
class Attachment {
 public:
  explicit Attachment(const AttachRequest& request);
  ~Attachment();
  Attachment(Attachment&& other) noexcept;
  Attachment& operator=(Attachment&&) = delete;
  Attachment(const Attachment&) = delete;
  Attachment& operator=(const Attachment&) = delete;

  // Waits for it, at most ten seconds; throws sys::Error when it failed. Once.
  void finish();

 private:
  void reap() noexcept;
  pid_t child_ = -1;
  sys::UniqueFd report_;
};

// The same in words, for `up --explain`.
std::string explain(const AttachRequest& request, const Pool& pool);

}  // namespace pausa::net
