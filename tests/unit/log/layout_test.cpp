#include "log/layout.hpp"

#include "log/format.hpp"
#include "sys/error.hpp"
#include "unit/log/support.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <doctest/doctest.h>

using namespace pausa;
using namespace pausa::log;
using namespace pausa::log::test;

TEST_SUITE("log/unit") {
  TEST_CASE("an instance keeps the one before it and no older one") {
    const Dir logs;
    CHECK(list_instances(logs.fd(), "web").empty());
    for (std::uint64_t restarts = 0; restarts < 5; ++restarts) {
      const sys::UniqueFd instance = create_instance(logs.fd(), "web", restarts);
      const sys::UniqueFd file(
          ::openat(instance.get(), segment_name(Stream::out, 1).c_str(), O_CREAT | O_WRONLY, 0600));
      CHECK(file);
    }
    CHECK(list_instances(logs.fd(), "web") == std::vector<std::uint64_t>{3, 4});
    (void)create_instance(logs.fd(), "web", 4);  // as a supervisor does that takes over
    CHECK(list_instances(logs.fd(), "web") == std::vector<std::uint64_t>{3, 4});
    CHECK(list_segments(open_instance(logs.fd(), "web", 3).get(), Stream::out).size() == 1);
    CHECK_THROWS_AS(open_instance(logs.fd(), "web", 2), sys::Error);
    struct stat st {};
    REQUIRE(::fstatat(logs.fd(), "web/4", &st, 0) == 0);
    CHECK((st.st_mode & 0777) == 0700);
  }

  TEST_CASE("a log directory is a plain name, never a path, and never a link") {
    const Dir logs;
    const Dir victim;
    CHECK_THROWS_AS(create_instance(logs.fd(), "../x", 0), sys::Error);
    CHECK_THROWS_AS(create_instance(logs.fd(), "..", 0), sys::Error);
    CHECK_THROWS_AS(create_instance(logs.fd(), "", 0), sys::Error);
    REQUIRE(::symlinkat(victim.path("").c_str(), logs.fd(), "web") == 0);
    CHECK_THROWS_AS(create_instance(logs.fd(), "web", 0), sys::Error);
    CHECK(victim.entries() == 0);
  }

  TEST_CASE("segments are listed by number; other files are not segments") {
    const Dir dir;
    for (const char* name : {"stdout.00000002.log", "stdout.100000000.log", "stdout.00000010.log",
                             "stdout.00000001.idx", "stderr.00000001.log", "stdout.x.log",
                             "stdout..log", "stdout.log", "stdout.00000003.log.gz"})
      CHECK(sys::UniqueFd(::openat(dir.fd(), name, O_CREAT | O_WRONLY, 0600)));
    CHECK(list_segments(dir.fd(), Stream::out) == std::vector<std::uint64_t>{2, 10, 100'000'000});
    remove_segments_below(dir.fd(), Stream::out, 10);
    CHECK(list_segments(dir.fd(), Stream::out) == std::vector<std::uint64_t>{10, 100'000'000});
    CHECK(dir.entries() == 7);
  }

  TEST_CASE("times and lines are printed as RFC 3339 and as the CRI wants them") {
    std::string out;
    format_time(Time(std::chrono::nanoseconds(1'475'713'449'669'794'202)), out);
    CHECK(out == "2016-10-06T00:24:09.669794202Z");
    out.clear();
    format_time(Time(std::chrono::nanoseconds(1'709'210'096'000'000'007)), out);
    CHECK(out == "2024-02-29T12:34:56.000000007Z");
    Line line;
    line.stream = Stream::err;
    line.text = "a b";
    out.clear();
    format_cri(line, out);
    CHECK(out == "1970-01-01T00:00:00.000000000Z stderr F a b\n");
    line.partial = true;
    out.clear();
    format_cri(line, out);
    CHECK(out == "1970-01-01T00:00:00.000000000Z stderr P a b\n");
    out.clear();
    format_timed(line, true, out);
    line.partial = false;
    format_timed(line, false, out);
    CHECK(out == "1970-01-01T00:00:00.000000000Z a ba b\n");
  }
}
