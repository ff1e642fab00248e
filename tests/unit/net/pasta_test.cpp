#include "net/pasta.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace pausa;

TEST_SUITE_BEGIN("net/pasta");

TEST_CASE("pasta opens no port on its own, and no way to the host's loopback") {
  const auto words = net::pasta_arguments("/run/network");
  CHECK(words.front() == "pasta");
  for (const char* ports : {"--tcp-ports", "--udp-ports", "--tcp-ns", "--udp-ns"}) {
    CAPTURE(ports);
    const auto option = std::find(words.begin(), words.end(), ports);
    REQUIRE(option != words.end());
    CHECK(*(option + 1) == "none");
  }
  CHECK(std::count(words.begin(), words.end(), "--no-map-gw") == 1);
  CHECK(words.back() == "/run/network");
}

TEST_CASE("of what pasta says the reason of its end is told") {
  CHECK(net::pasta_words("") == "");
  CHECK(net::pasta_words("Failed to send 42 bytes to syslog\n"
                         "Couldn't get any nameserver address\n"
                         "Failed to send 45 bytes to syslog\n"
                         "Failed to open tun socket in namespace\n") ==
        "Failed to open tun socket in namespace");
  CHECK(net::pasta_words("Couldn't get any nameserver address\n") == "");
}

TEST_SUITE_END();
