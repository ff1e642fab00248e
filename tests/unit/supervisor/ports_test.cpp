#include "supervisor/ports.hpp"

#include "../infra/pod.hpp"
#include "supervisor/kept.hpp"

#include <doctest/doctest.h>

using namespace pausa;

TEST_SUITE_BEGIN("supervisor/ports");

TEST_CASE("a port that only a dead supervisor knew is not kept") {
  if (::geteuid() != 0 || !test::can_make_namespaces()) {
    MESSAGE("skipped: needs root");
    return;
  }
  const test::Pod pod;
  auto client = pod.client();
  pod::Spec spec;
  spec.containers.emplace_back();
  const test::TempTree tree;
  const state::Store store({tree.path() + "/root", tree.path() + "/run"});
  // The earlier supervisor took up a new manifest, kept its port, and died.
  spec.containers[0].ports.push_back({});
  auto& port = spec.containers[0].ports[0];
  port.container_port = 80;
  for (port.host_port = 41001;; ++port.host_port) {
    supervisor::Ports before;
    try {
      before.listen(spec, store);
    } catch (const sys::Error&) {
      continue;
    }
    before.keep(client);
    break;
  }
  REQUIRE(client.list_fds().size() == 1);
  {
    supervisor::Ports same;
    same.adopt(spec, client);
    CHECK(same.count() == 1);
  }
  spec.containers[0].ports.clear();
  supervisor::Ports next;
  next.adopt(spec, client);
  CHECK(next.count() == 0);
  CHECK(client.list_fds().empty());
}

TEST_SUITE_END();
