#include "pod/name_files.hpp"

#include <doctest/doctest.h>

using namespace pausa;

namespace {

pod::Pod shop() {
  pod::Pod pod;
  pod.metadata.name = "shop";
  for (const char* name : {"web", "db"}) pod.spec.containers.emplace_back().name = name;
  return pod;
}

}  // namespace

TEST_SUITE_BEGIN("pod/name_files");

TEST_CASE("hosts: localhost, the pod by its addresses, the members on localhost") {
  CHECK(pod::hosts_file(shop(), {{"10.86.0.7", "fd00::7"}, ""}) ==
        "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
        "10.86.0.7\tshop\nfd00::7\tshop\n127.0.0.1\tweb db\n");
}

TEST_CASE("hosts: without an address the pod is localhost") {
  CHECK(pod::hosts_file(shop(), {{}, ""}) ==
        "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
        "127.0.0.1\tshop\n127.0.0.1\tweb db\n");
}

TEST_CASE("hosts: an alias and the pod's own name come before a member's") {
  auto pod = shop();
  pod.spec.containers.emplace_back().name = "shop";
  pod.spec.host_aliases.push_back({"192.0.2.1", {"db", "db.example"}});
  CHECK(pod::hosts_file(pod, {{"10.86.0.7"}, ""}) ==
        "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
        "10.86.0.7\tshop\n192.0.2.1\tdb\tdb.example\n127.0.0.1\tweb\n");
}

TEST_CASE("hosts: with the host's network it is the host's file, with the aliases") {
  auto pod = shop();
  pod.spec.host_network = true;
  pod.spec.host_aliases.push_back({"192.0.2.1", {"db"}});
  CHECK(pod::hosts_file(pod, {{}, "127.0.0.1 localhost"}) ==
        "127.0.0.1 localhost\n192.0.2.1\tdb\n");
}

TEST_SUITE_END();
