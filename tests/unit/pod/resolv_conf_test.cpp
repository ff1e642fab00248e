#include "pod/resolv_conf.hpp"

#include "pod/name_files.hpp"

#include <doctest/doctest.h>

using namespace pausa;

namespace {

pod::Pod shop() {
  pod::Pod pod;
  pod.metadata.name = "shop";
  pod.metadata.namespace_ = "prod";
  return pod;
}

const pod::ResolvFacts facts{
    pod::parse_resolv_conf("search corp.example\nnameserver 192.0.2.53\noptions timeout:1\n"),
    {"10.86.0.1"}};

std::string formed(const pod::Pod& pod, const pod::ResolvFacts& with = facts) {
  std::vector<std::string> notes;
  return to_text(pod::form_resolv_conf(pod, with, notes));
}

constexpr const char* hosts_own = "search corp.example\nnameserver 192.0.2.53\noptions timeout:1\n";

}  // namespace

TEST_SUITE_BEGIN("pod/resolv_conf");

TEST_CASE("resolv.conf: comments, unknown lines, trailing dots and blanks") {
  const auto conf = pod::parse_resolv_conf(
      "# search no\n;nameserver no\nnameserver\t192.0.2.1 rest\nsearch a b\n"
      "domain last.example.\nsortlist x\noptions ndots:2 edns0\noptions ndots:3\nnameserver ::1");
  CHECK(to_text(conf) ==
        "search last.example\nnameserver 192.0.2.1\nnameserver ::1\noptions ndots:3 edns0\n");
  CHECK(to_text(pod::parse_resolv_conf("")) == "");
  CHECK(to_text(pod::parse_resolv_conf("\n\nnameserver\n")) == "");
}

TEST_CASE("resolv.conf: ClusterFirst asks the pods' resolver, with a cluster's domains") {
  CHECK(formed(shop()) ==
        "search prod.svc.cluster.local svc.cluster.local cluster.local corp.example\n"
        "nameserver 10.86.0.1\noptions ndots:5\n");
}

TEST_CASE("resolv.conf: without a resolver for pods it is the host's") {
  CHECK(formed(shop(), {facts.host, {}}) == hosts_own);
}

TEST_CASE("resolv.conf: with the host's network the policy's two spellings differ") {
  auto pod = shop();
  pod.spec.host_network = true;
  CHECK(formed(pod) == hosts_own);
  pod.spec.dns_policy = pod::DnsPolicy::cluster_first_with_host_net;
  CHECK(formed(pod).find("nameserver 10.86.0.1\n") != std::string::npos);
}

TEST_CASE(
    "resolv.conf: Default is the host's; its resolver on the loopback is asked through ours") {
  auto pod = shop();
  pod.spec.dns_policy = pod::DnsPolicy::host;
  CHECK(formed(pod) == hosts_own);
  const auto local = pod::parse_resolv_conf("nameserver 127.0.0.53\nsearch corp.example\n");
  CHECK(formed(pod, {local, {"10.86.0.1"}}) == "search corp.example\nnameserver 10.86.0.1\n");
}

TEST_CASE(
    "resolv.conf: dnsConfig is added; an option replaces its like; None starts from nothing") {
  auto pod = shop();
  pod.spec.dns_config = {
      {"192.0.2.9", "10.86.0.1"}, {"corp.example", "x.example"}, {"ndots:1", "edns0"}};
  CHECK(formed(pod) ==
        "search prod.svc.cluster.local svc.cluster.local cluster.local corp.example x.example\n"
        "nameserver 10.86.0.1\nnameserver 192.0.2.9\noptions ndots:1 edns0\n");
  pod.spec.dns_policy = pod::DnsPolicy::none;
  CHECK(formed(pod) ==
        "search corp.example x.example\nnameserver 192.0.2.9\nnameserver 10.86.0.1\n"
        "options ndots:1 edns0\n");
}

TEST_CASE("resolv.conf: what is beyond the limits is cut off and told") {
  auto pod = shop();
  pod.spec.dns_config.nameservers = {"192.0.2.1", "192.0.2.2", "192.0.2.3"};
  for (int i = 0; i < 40; ++i)
    pod.spec.dns_config.searches.push_back("domain" + std::to_string(i) + ".example");
  std::vector<std::string> notes;
  const auto conf = pod::form_resolv_conf(pod, facts, notes);
  CHECK(conf.nameservers == std::vector<std::string>{"10.86.0.1", "192.0.2.1", "192.0.2.2"});
  CHECK(conf.searches.size() == 32);
  REQUIRE(notes.size() == 2);
  CHECK(notes[0].ends_with("the applied nameserver line is: 10.86.0.1 192.0.2.1 192.0.2.2"));
  CHECK(notes[1].starts_with("Search Line limits were exceeded"));
  pod.spec.dns_config.searches = {std::string(1900, 'a'), std::string(200, 'b')};
  CHECK(pod::form_resolv_conf(pod, facts, notes).searches.size() == 5);
}

TEST_CASE("names: of a pod with a subdomain there is a full one") {
  auto pod = shop();
  CHECK(pod::full_hostname(pod) == "");
  CHECK(pod::kernel_hostname(pod) == "shop");
  pod.spec.subdomain = "web";
  CHECK(pod::full_hostname(pod) == "shop.web.prod.svc.cluster.local");
  CHECK(pod::kernel_hostname(pod) == "shop");
  pod.spec.hostname_as_fqdn = true;
  CHECK(pod::kernel_hostname(pod) == "shop.web.prod.svc.cluster.local");
  CHECK(pod::hosts_file(pod, {{"10.86.0.7"}, ""}) ==
        "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
        "10.86.0.7\tshop.web.prod.svc.cluster.local\tshop\n");
  pod.spec.hostname_override = "db.example.com";
  CHECK(pod::full_hostname(pod) == "");
  CHECK(pod::kernel_hostname(pod) == "db.example.com");
}

TEST_SUITE_END();
