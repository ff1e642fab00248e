// Sockets of another network namespace. A socket belongs for good to the one that it was made in,
// whoever uses it (network_namespaces(7)). Not for child zones.
#pragma once

#include "sys/fd.hpp"

namespace pausa::sys {

// As socket(2), close-on-exec and non-blocking, in the network namespace of the process behind the
// pidfd. The caller stays where it is. Needs CAP_SYS_ADMIN over that namespace. Throws sys::Error.
UniqueFd socket_in(int pidfd, int domain, int type);

}  // namespace pausa::sys
