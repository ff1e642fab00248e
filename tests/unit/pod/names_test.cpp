#include "pod/names.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace pausa::pod;

TEST_SUITE("pod/unit") {
  TEST_CASE("a DNS label has lower-case letters, digits and inner hyphens, at most 63") {
    for (const std::string_view good : {"a", "web", "web-1", "0"}) {
      CAPTURE(good);
      CHECK(dns_label_faults(good).empty());
    }
    for (const std::string_view bad :
         {"", "A", "a_b", "-a", "a-", "../x", "a/b", "a\nb", "a b", "\xc3\xa4"}) {
      CAPTURE(bad);
      CHECK(dns_label_faults(bad).size() == 1);
    }
    CHECK(dns_label_faults("a.b") == Faults{"must not contain dots"});
    CHECK(dns_label_faults(std::string(63, 'a')).empty());
    CHECK(dns_label_faults(std::string(64, 'a')) == Faults{"must be no more than 63 characters"});
  }

  TEST_CASE("a subdomain is labels joined by dots, at most 253") {
    CHECK(dns_subdomain_faults("a.b-c.0").empty());
    CHECK_FALSE(dns_subdomain_faults("a..b").empty());
    CHECK_FALSE(dns_subdomain_faults(".a").empty());
    CHECK_FALSE(dns_subdomain_faults("a.").empty());
    CHECK_FALSE(dns_subdomain_faults("a.-b").empty());
    CHECK(dns_subdomain_faults(std::string(253, 'a')).empty());
    CHECK_FALSE(dns_subdomain_faults(std::string(254, 'a')).empty());
  }

  TEST_CASE("a qualified name may have a domain before one slash") {
    CHECK(qualified_name_faults("app").empty());
    CHECK(qualified_name_faults("example.com/App_1.x").empty());
    CHECK(qualified_name_faults("/x") == Faults{"prefix part must be non-empty"});
    CHECK(qualified_name_faults("a/b/c").size() == 1);
    CHECK(qualified_name_faults("").size() == 2);
    CHECK(qualified_name_faults("a/" + std::string(64, 'x')).size() == 1);
    CHECK(qualified_name_faults("Not.A.Domain/x").size() == 1);
  }

  TEST_CASE("a port name has at most 15 characters and a letter") {
    CHECK(port_name_faults("http-2").empty());
    CHECK(port_name_faults("80").size() == 1);
    CHECK(port_name_faults("a--b").size() == 1);
    CHECK(port_name_faults("-a").size() == 1);
    CHECK(port_name_faults("sixteen-letters-").size() == 2);
    CHECK(port_name_faults("Http").size() == 1);
  }

  TEST_CASE("an environment variable may have any printable name without =") {
    for (const std::string_view good : {"PATH", "1a", "a-b", "a.b c", "!"}) {
      CAPTURE(good);
      CHECK(env_name_faults(good).empty());
    }
    for (const std::string_view bad :
         {std::string_view(""), std::string_view("a=b"), std::string_view("a\0b", 3),
          std::string_view("a\nb"), std::string_view("\xc3\xa4")}) {
      CAPTURE(bad);
      CHECK(env_name_faults(bad).size() == 1);
    }
  }

  TEST_CASE("an IP address is IPv4 in plain decimals, or IPv6") {
    for (const std::string_view good : {"10.0.0.1", "0.0.0.0", "255.255.255.255", "::", "::1",
                                        "2001:db8::ffff", "1:2:3:4:5:6:7:8", "64:ff9b::1.2.3.4"}) {
      CAPTURE(good);
      CHECK(is_ip(good));
    }
    for (const std::string_view bad :
         {"", "x", "1.2.3", "1.2.3.4.5", "1.2.3.4.", "256.1.1.1", "999.1.1.1", "1:2:3:4:5:6:7",
          "1:2:3:4:5:6:7:8:9", ":::", "1::2::3", "12345::", "::1%eth0", "localhost", "1.2.3.4/8"}) {
      CAPTURE(bad);
      CHECK_FALSE(is_ip(bad));
    }
    CHECK(ip_faults("010.1.1.1") == Faults{"must not have leading 0s"});
    CHECK(ip_faults("::ffff:1.2.3.4") == Faults{"must not be an IPv4-mapped IPv6 address"});
  }

  TEST_CASE("a search domain may have underscores, but needs a letter or digit") {
    CHECK(search_domain_faults("_sip._tcp.example.com").empty());
    CHECK(search_domain_faults("a_b").empty());
    CHECK_FALSE(search_domain_faults("__").empty());
    CHECK_FALSE(search_domain_faults("-").empty());
    CHECK_FALSE(search_domain_faults("a b").empty());
  }

  TEST_CASE("a config key cannot leave its directory") {
    CHECK(config_key_faults("app.conf").empty());
    CHECK(config_key_faults(".").size() == 1);
    CHECK(config_key_faults("..").size() == 1);
    CHECK(config_key_faults("..data").size() == 1);
    CHECK(config_key_faults("a/b").size() == 1);
  }
}
