#include "net/name_book.hpp"

#include "net/lease.hpp"
#include "support/temp_tree.hpp"

#include <doctest/doctest.h>

using namespace pausa::net;
using namespace std::string_literals;

namespace {

const Pool pool{*parse_subnet("10.86.0.0/16"), parse_subnet("fd00:1:2::/64")};

struct Names {
  pausa::test::TempTree tree;
  NameBook book{tree.path()};
  std::string leases = tree.path() + "/leases";

  Names() {
    LeaseBook(leases, pool).take({"uid-1", "default/web"}, [](const LeaseOwner&) { return true; });
    book.add({"uid-1", "web.default", "front.shop.default", {"10.86.0.2", "fd00:1:2::2"}});
  }
  std::optional<dns::Answer> ask(const std::string& name, unsigned type = 1) const {
    dns::Query query;
    query.name = name;
    query.type = static_cast<std::uint16_t>(type);
    return answer_by_name(query, book, leases, pool);
  }
  // "" none of ours, "-" no such name, "0" nothing of that type, else what the first record says.
  std::string said(const std::string& name, unsigned type = 1) const {
    const auto answer = ask(name, type);
    if (!answer) return "";
    if (answer->code == dns::Code::no_such_name) return "-";
    return answer->records.empty() ? "0" : answer->records.front().data;
  }
};

}  // namespace

TEST_SUITE_BEGIN("net/name_book");

TEST_CASE_FIXTURE(Names, "a pod is known by its name, its full name and its address") {
  const auto four = "\x0a\x56\0\2"s;
  CHECK(said("web.default.svc.cluster.local") == four);
  CHECK(said("front.shop.default.svc.cluster.local") == four);
  CHECK(said("10-86-0-2.default.pod.cluster.local") == four);
  CHECK(said("web.default.svc.cluster.local", 28).size() == 16);
  CHECK(said("fd00-1-2--2.default.pod.cluster.local", 28).size() == 16);
  CHECK(said("web.default.svc.cluster.local", 33) == "0");
  CHECK(said("2.0.86.10.in-addr.arpa", 12) == *dns::wire_name("web.default.svc.cluster.local"));
  CHECK(said("2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.2.0.0.0.1.0.0.0.0.0.d.f.ip6.arpa", 12) ==
        *dns::wire_name("web.default.svc.cluster.local"));
}

TEST_CASE_FIXTURE(Names,
                  "pods of one hostname and subdomain are one name with all their addresses") {
  const auto count = [this] { return ask("front.shop.default.svc.cluster.local")->records.size(); };
  book.add({"uid-2", "api.default", "front.shop.default", {"10.86.0.3", "fd00:1:2::3"}});
  CHECK(count() == 2);
  book.add({"uid-2", "api.default", "front.shop.default", {"10.86.0.3"}});
  CHECK(count() == 2);
  book.remove("uid-3", "api.default");
  CHECK(count() == 2);
  book.remove("uid-1", "web.default");
  CHECK(said("front.shop.default.svc.cluster.local") == "\x0a\x56\0\3"s);
  CHECK(said("web.default.svc.cluster.local") == "-");
  book.remove("uid-2", "api.default");
  CHECK(said("front.shop.default.svc.cluster.local") == "-");
}

TEST_CASE_FIXTURE(Names, "below our zone what is not known is not there; the rest is for others") {
  CHECK(said("db.default.svc.cluster.local") == "-");
  CHECK(said("web.other.svc.cluster.local") == "-");
  CHECK(said("default.svc.cluster.local") == "-");
  CHECK(said("x.cluster.local") == "-");
  CHECK(said("cluster.local") == "0");
  CHECK(said("10-86-0-2.other.pod.cluster.local") == "-");
  CHECK(said("10-86-0-3.default.pod.cluster.local") == "-");
  CHECK(said("9.0.86.10.in-addr.arpa", 12) == "-");
  CHECK(said("example.com") == "");
  CHECK(said("notcluster.local") == "");
  CHECK(said("1.2.0.192.in-addr.arpa", 12) == "");
  CHECK(said("300.2.0.192.in-addr.arpa", 12) == "");
  CHECK(said("") == "");
  const auto nothing = ask("db.default.svc.cluster.local");
  REQUIRE(nothing->authority.size() == 1);
  CHECK(nothing->authority[0].type == 6);
}

TEST_CASE_FIXTURE(Names, "no name leads out of the folder") {
  CHECK(said("..svc.cluster.local") == "-");
  CHECK_FALSE(book.find("../leases/10.86.0.2"));
  CHECK_FALSE(book.find(".hidden"));
  CHECK_FALSE(book.find(std::string(300, 'a')));
}

TEST_CASE_FIXTURE(Names, "a name goes with its pod, and only with it") {
  book.remove("uid-2", "web.default");
  CHECK(said("web.default.svc.cluster.local") != "-");
  book.add({"uid-2", "other.default", "front.shop.default", {"10.86.0.3"}});
  book.remove("uid-1", "web.default");
  CHECK(said("web.default.svc.cluster.local") == "-");
  CHECK(said("front.shop.default.svc.cluster.local") == "\x0a\x56\0\3"s);
}

TEST_CASE_FIXTURE(Names, "a Service goes before a pod; its ports, its aliases, its address") {
  book.set_services(
      {{"web.default", "A 10.87.0.1\nSRV http tcp 80 web.default.svc.cluster.local\n"},
       {"10.87.0.1", "PTR web.default.svc.cluster.local\n"},
       {"out.default", "CNAME example.com\n"}});
  CHECK(said("web.default.svc.cluster.local") == "\x0a\x57\0\1"s);
  CHECK(said("_http._tcp.web.default.svc.cluster.local", 33) ==
        dns::srv_data(80, *dns::wire_name("web.default.svc.cluster.local")));
  CHECK(said("_http._udp.web.default.svc.cluster.local", 33) == "-");
  CHECK(said("_http._tcp.web.default.svc.cluster.local", 1) == "0");
  CHECK(said("_http.web.default.svc.cluster.local", 33) == "-");
  CHECK(said("out.default.svc.cluster.local") == *dns::wire_name("example.com"));
  CHECK(said("1.0.87.10.in-addr.arpa", 12) == *dns::wire_name("web.default.svc.cluster.local"));
  book.set_services({});
  CHECK(said("web.default.svc.cluster.local") == "\x0a\x56\0\2"s);
  CHECK(said("out.default.svc.cluster.local") == "-");
}

TEST_CASE_FIXTURE(Names, "what a name of ours stands for is answered with it") {
  std::map<std::string, std::string> files = {
      {"db.default", "A 10.87.0.1\n"},
      {"ext.default", "CNAME db.default.svc.cluster.local\n"},
      {"far.default", "CNAME ext.default.svc.cluster.local.\n"},
      {"out.default", "CNAME away.default.svc.cluster.local\n"},
      {"away.default", "CNAME example.com\n"},
      {"lost.default", "CNAME no.default.svc.cluster.local\n"},
      {"self.default", "CNAME self.default.svc.cluster.local\n"}};
  book.set_services(files);
  const auto far = ask("far.default.svc.cluster.local");
  REQUIRE(far->records.size() == 3);
  CHECK(far->records[0].name.empty());
  CHECK(far->records[1].name == *dns::wire_name("ext.default.svc.cluster.local"));
  CHECK(far->records[2].name == *dns::wire_name("db.default.svc.cluster.local"));
  CHECK(far->records[2].data == "\x0a\x57\0\1"s);
  const auto none = ask("ext.default.svc.cluster.local", 28);
  CHECK(none->records.size() == 1);
  CHECK(none->authority.size() == 1);
  CHECK(ask("far.default.svc.cluster.local", 5)->records.size() == 1);
  const auto out = ask("out.default.svc.cluster.local");
  REQUIRE(out->records.size() == 2);
  CHECK(out->records[1].data == *dns::wire_name("example.com"));
  CHECK(out->authority.empty());
  CHECK(ask("lost.default.svc.cluster.local")->code == dns::Code::no_such_name);
  CHECK(ask("lost.default.svc.cluster.local")->records.size() == 1);
  CHECK(ask("self.default.svc.cluster.local")->code == dns::Code::server_failure);
}

TEST_SUITE_END();
