// Where a Service gets what it is to have.
#pragma once

#include "net/service_range.hpp"
#include "pod/object.hpp"
#include "state/store.hpp"

namespace pausa::supervisor {

// From where Services have their addresses, chosen if it is not known. They must be locked
// (net::ServicesLock). Throws sys::Error.
net::Pool service_range(const state::Store& store);

// Gives a Service what it is to have and has not: an address, ports of the machine; refuses what
// another one has, and with root a port that it did not have before and somebody listens on.
// `store` afterwards stores it. Throws sys::Error.
void store_service(const state::Store& store, pod::Object object);

}  // namespace pausa::supervisor
