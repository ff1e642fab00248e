// What changes while the pod runs: the files of its generated volumes.
#include "supervisor/stored_pod.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/volumes.hpp"
#include "supervisor/wall_clock.hpp"
#include "sys/error.hpp"

namespace pausa::supervisor {

control::Reply Supervisor::refresh() {
  try {
    // Labels and annotations may be new; the rest of the stored pod is what runs.
    charge_.pod.metadata = read_stored_pod(charge_.store, record_.key).pod.metadata;
    serve_node_ports(true);
    write_generated_volumes(charge_.pod, charge_.store, record_, false);
    if (sandbox_) write_generated_volumes(charge_.pod, charge_.store, record_, true);
    feed(pod::event::ConfigChanged{wall_now()});
  } catch (const sys::Error& error) {
    events_.add(true, "FailedMount", "", error.what());
    return {false, error.what()};
  }
  return {};
}

}  // namespace pausa::supervisor
