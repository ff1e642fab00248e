#include "security/sysctl.hpp"

#include <doctest/doctest.h>

using namespace pausa::security;

TEST_SUITE("security/sysctl") {
  TEST_CASE("a dotted name is a path below /proc/sys, a slash in it a dot of an interface's name") {
    CHECK(sysctl_path("net.core.somaxconn") == "net/core/somaxconn");
    CHECK(sysctl_path("net.ipv4.conf.eth0/5.x") == "net/ipv4/conf/eth0.5/x");
  }
}
