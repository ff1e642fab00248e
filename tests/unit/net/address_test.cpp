#include "net/address.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace pausa;

TEST_SUITE_BEGIN("net/address");

TEST_CASE("addresses and ranges are read and written") {
  for (const char* text : {"10.86.0.1", "255.255.255.255", "fd00::1", "::"})
    CHECK(net::to_text(*net::parse_address(text)) == text);
  for (const char* text : {"", "10.86.0", "10.86.0.256", "localhost", "1::2::3", "10.0.0.1 "})
    CHECK_FALSE(net::parse_address(text));
  CHECK(net::to_text(*net::parse_subnet("10.86.3.7/16")) == "10.86.0.0/16");
  CHECK(net::to_text(*net::parse_subnet("10.86.3.255/29")) == "10.86.3.248/29");
  CHECK(net::to_text(*net::parse_subnet("fd00:1:2:3:4::/64")) == "fd00:1:2:3::/64");
  CHECK(net::to_text(*net::parse_subnet("1.2.3.4/0")) == "0.0.0.0/0");
  for (const char* text : {"10.86.0.0", "10.86.0.0/33", "10.86.0.0/", "10.86.0.0/8x", "fd00::/129"})
    CHECK_FALSE(net::parse_subnet(text));
}

TEST_CASE("ranges overlap when one holds the other") {
  const auto overlap = [](const char* a, const char* b) {
    const bool there = net::parse_subnet(a)->overlaps(*net::parse_subnet(b));
    CHECK(net::parse_subnet(b)->overlaps(*net::parse_subnet(a)) == there);
    return there;
  };
  CHECK(overlap("10.86.0.0/16", "10.86.0.0/16"));
  CHECK(overlap("10.0.0.0/8", "10.86.0.0/16"));
  CHECK(overlap("10.86.128.0/17", "10.86.0.0/16"));
  CHECK_FALSE(overlap("10.86.0.0/16", "10.87.0.0/16"));
  CHECK_FALSE(overlap("10.86.0.0/17", "10.86.128.0/17"));
  CHECK_FALSE(overlap("10.86.0.0/16", "fd00::/64"));
}

TEST_CASE("a pod's number is in both of its addresses") {
  const net::Pool pool{*net::parse_subnet("10.86.0.0/16"), net::parse_subnet("fd00:1:2::/64")};
  CHECK(net::to_text(pool.v4_of(1)) == "10.86.0.1");
  CHECK(net::to_text(pool.v4_of(258)) == "10.86.1.2");
  CHECK(net::to_text(*pool.v6_of(258)) == "fd00:1:2::102");
  CHECK(pool.number_of(*net::parse_address("10.86.1.2")) == 258U);
  CHECK_FALSE(pool.number_of(*net::parse_address("10.87.1.2")));
  CHECK_FALSE(pool.number_of(*net::parse_address("10.86.0.1")));
  CHECK_FALSE(net::Pool{pool.v4, std::nullopt}.v6_of(2));
}

TEST_CASE("numbers go round without network, bridge and broadcast address") {
  const net::Pool pool{*net::parse_subnet("192.0.2.0/29"), std::nullopt};
  CHECK(pool.last() == 6);
  CHECK(net::to_text(pool.v4_of(pool.last())) == "192.0.2.6");
  std::set<std::uint32_t> seen;
  std::uint32_t number = 0;
  for (int i = 0; i < 10; ++i) seen.insert(number = pool.next(number));
  CHECK(seen == std::set<std::uint32_t>{2, 3, 4, 5, 6});
  CHECK(net::Pool{*net::parse_subnet("10.0.0.0/8"), std::nullopt}.last() == 65534);
  CHECK(net::Pool{*net::parse_subnet("10.0.0.0/24"), std::nullopt}.last() == 254);
}

TEST_CASE("the first usual range that no route overlaps is chosen") {
  CHECK(net::to_text(*net::choose_range({})) == net::usual_ranges().front());
  const auto next = net::choose_range({*net::parse_subnet("10.86.7.0/24")});
  CHECK(net::to_text(*next) == net::usual_ranges()[1]);
  CHECK_FALSE(
      net::choose_range({*net::parse_subnet("0.0.0.0/1"), *net::parse_subnet("128.0.0.0/1")}));
}

TEST_CASE("one address, one hardware address") {
  const auto hardware = net::hardware_address(*net::parse_address("10.86.1.2"));
  CHECK(hardware == net::HardwareAddress{0x02, 0x70, 10, 86, 1, 2});
  CHECK((hardware[0] & 3) == 2);  // of our own making, and no group
}

TEST_SUITE_END();
