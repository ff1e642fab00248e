#include "pod/own_annotations.hpp"

#include <doctest/doctest.h>

#include <vector>

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

  TEST_CASE("ports that cannot be proxied are faults, those that are not published get a note") {
    const auto port = [](int number, const char* protocol, int host_port) {
      pod::Node node = pod::Node::make_map();
      node.set("containerPort", pod::Node::make_integer(number));
      node.set("protocol", pod::Node::make_string(protocol));
      if (host_port != 0) node.set("hostPort", pod::Node::make_integer(host_port));
      return node;
    };
    const auto said = [&port](const char* text, bool host_network,
                              const std::vector<std::uint16_t>& published = {}, bool all = false) {
      pod::Node ports = pod::Node::make_list();
      ports.items = {port(80, "TCP", 8080), port(81, "TCP", 0), port(53, "UDP", 53),
                     port(54, "TCP", 54), port(54, "UDP", 54)};
      pod::Node container = pod::Node::make_map();
      container.set("ports", ports);
      pod::Node containers = pod::Node::make_list();
      containers.items = {container};
      pod::Node spec = pod::Node::make_map();
      spec.set("containers", containers);
      spec.set("hostNetwork", pod::Node::make_boolean(host_network));
      pod::Node annotations = pod::Node::make_map();
      annotations.set("pausa/proxy-protocol", pod::Node::make_string(text));
      pod::Node metadata = pod::Node::make_map();
      metadata.set("annotations", annotations);
      pod::Node pod = pod::Node::make_map();
      pod.set("metadata", metadata);
      pod.set("spec", spec);
      pod::Findings findings;
      pod::check_proxied_ports(pod::Value(pod), {{}, published, all}, findings);
      return findings.take();
    };
    CHECK(said("80", false).empty());
    CHECK(said("80,54/v2", false).empty());
    CHECK(said("http", false).empty());  // a fault where it is decoded
    auto findings = said("53,9090", false);
    REQUIRE(findings.size() == 2);
    CHECK(findings[0].path == "metadata.annotations[pausa/proxy-protocol]");
    CHECK(findings[0].severity == pod::Severity::error);
    CHECK(findings[0].text == "port 53 is of UDP, and the PROXY protocol is for TCP");
    CHECK(findings[1].severity == pod::Severity::note);
    CHECK(findings[1].text ==
          "no container declares port 9090: it has an effect there with --publish only");
    CHECK(said("81,9090", false, {81, 9090}).empty());
    CHECK(said("81,9090", false, {81}).size() == 1);
    CHECK(said("81", false, {}, true).empty());
    CHECK(said("53,9090", false, {}, true).size() == 2);
    findings = said("80,80/v2", false);
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].text == "port 80 is named twice");
    findings = said("80,81", false);
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].severity == pod::Severity::note);
    CHECK(findings[0].text ==
          "has no effect on port 81 without a hostPort (or --publish, --ports auto)");
    findings = said("80,81", true);
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].severity == pod::Severity::note);
    CHECK(findings[0].text == "has no effect with `hostNetwork`: clients reach the server itself");
  }
}
