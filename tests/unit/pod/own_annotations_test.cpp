#include "pod/own_annotations.hpp"

#include <doctest/doctest.h>

using namespace pausa;

TEST_SUITE("pod/own_annotations") {
  TEST_CASE("ports whose servers want to hear of the client, and in which version") {
    const auto ports = pod::parse_proxied_ports("8080, 8443/v2,9000/v1");
    REQUIRE(ports);
    CHECK(*ports == std::vector<pod::ProxiedPort>{{8080, 1}, {8443, 2}, {9000, 1}});
    for (const char* text : {"", ",", "80,", "http", "80/v3", "80/", "0", "70000", "80 81"})
      CHECK_MESSAGE(!pod::parse_proxied_ports(text), text);
    pod::Metadata metadata;
    CHECK(pod::proxied_ports(metadata).empty());
    metadata.annotations = {{"pausa/proxy-protocol", "80/v2"}};
    CHECK(pod::proxied_ports(metadata) == std::vector<pod::ProxiedPort>{{80, 2}});
  }

  TEST_CASE("one that is misspelt is a fault, with what was meant") {
    pod::Node annotations = pod::Node::make_map();
    annotations.set("pausa/proxy-protocoll", pod::Node::make_string("80"));
    annotations.set("pausa/proxy-protocol", pod::Node::make_string("http"));
    annotations.set("example.com/other", pod::Node::make_string("anything"));
    pod::TimeOffsets offsets;
    pod::Diagnostics findings;
    pod::decode_own_annotations(annotations, offsets, findings);
    REQUIRE(findings.size() == 2);
    CHECK(findings[0].hint == "did you mean \"pausa/proxy-protocol\"?");
    CHECK(findings[1].text == "must be ports of the pod, as \"8080\" or \"8080,8443/v2\"");
  }
}
