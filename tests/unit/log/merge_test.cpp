#include "log/merge.hpp"

#include "unit/log/support.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace pausa;
using namespace pausa::log;
using namespace pausa::log::test;

namespace {

Time at(std::uint64_t ns) {
  return Time(std::chrono::nanoseconds(ns));
}

// "0:a 1:b …": the source and the text of each line.
std::string merged(MergedReader& reader) {
  std::string all;
  Line line;
  std::size_t source = 0;
  while (reader.next(line, source)) all += std::to_string(source) + ":" + line.text + " ";
  return all;
}

}  // namespace

TEST_SUITE("log/unit") {
  TEST_CASE("streams and containers come by time, equal times in the order of adding") {
    const Dir web;
    const Dir db;
    write_segment(web, Stream::out, 1, "a\nd\nf\n", {{2, 100}, {4, 300}, {6, 500}});
    write_segment(web, Stream::err, 1, "b\ng\n", {{2, 100}, {4, 500}});
    write_segment(db, Stream::out, 1, "c\ne\nh\n", {{2, 100}, {4, 400}, {6, 600}});
    MergedReader reader;
    CHECK(reader.add(web.fd()) == 0);
    CHECK(reader.add(db.fd()) == 1);
    CHECK(merged(reader) == "0:a 0:b 1:c 0:d 1:e 0:f 0:g 1:h ");
  }

  TEST_CASE("tail counts the lines of both streams of each container together") {
    const Dir web;
    const Dir db;
    write_segment(web, Stream::out, 1, "a\nc\ne\n", {{2, 100}, {4, 300}, {6, 500}});
    write_segment(web, Stream::err, 1, "b\nd", {{2, 200}, {3, 400}});
    write_segment(db, Stream::out, 1, "x\ny\nz\n", {{2, 50}, {4, 60}, {6, 70}});
    const auto tail = [&](std::uint64_t lines, std::optional<Time> since) {
      MergedReader reader;
      reader.add(web.fd(), {.tail = lines, .since = since});
      reader.add(db.fd(), {.tail = lines, .since = since});
      return merged(reader);
    };
    CHECK(tail(0, {}).empty());
    CHECK(tail(1, {}) == "1:z 0:e ");
    CHECK(tail(2, {}) == "1:y 1:z 0:d 0:e ");
    CHECK(tail(3, {}) == "1:x 1:y 1:z 0:c 0:d 0:e ");
    CHECK(tail(9, {}) == "1:x 1:y 1:z 0:a 0:b 0:c 0:d 0:e ");
    CHECK(tail(3, at(400)) == "0:d 0:e ");
  }

  TEST_CASE("tail counts a long line as one, whatever pieces it comes in") {
    const Dir dir;
    write_segment(dir, Stream::out, 1, std::string(150'000, 'x') + "\nlast\n", {{150'006, 100}});
    write_segment(dir, Stream::err, 1, "e\n", {{2, 90}});
    MergedReader reader;
    reader.add(dir.fd(), {.tail = 1});
    CHECK(merged(reader) == "0:last ");
  }

  TEST_CASE("follow keeps giving, also from a container that is added later") {
    const Dir web;
    const Dir next;
    MergedReader reader;
    reader.add(web.fd(), {.follow = true});
    CHECK(merged(reader).empty());
    append(web, Stream::err, 1, "one\n");
    CHECK(merged(reader) == "0:one ");
    append(web, Stream::out, 1, "two\npart");
    CHECK(merged(reader) == "0:two ");
    reader.add(next.fd(), {.follow = true});
    append(next, Stream::out, 1, "three\n");
    CHECK(merged(reader) == "1:three ");
    Line line;
    std::size_t source = 9;
    CHECK(reader.flush(line, source));
    CHECK(line.text == "part");
    CHECK(source == 0);
    CHECK_FALSE(reader.flush(line, source));
  }

  TEST_CASE("a removed container is silent, and the others keep their numbers") {
    const Dir web;
    const Dir db;
    write_segment(web, Stream::out, 1, "a\nc\n", {{2, 100}, {4, 300}});
    write_segment(db, Stream::out, 1, "b\nd\n", {{2, 200}, {4, 400}});
    MergedReader reader;
    reader.add(web.fd());
    reader.add(db.fd());
    Line line;
    std::size_t source = 9;
    REQUIRE(reader.next(line, source));
    CHECK(line.text == "a");
    reader.remove(0);
    CHECK(merged(reader) == "1:b 1:d ");
    CHECK(reader.add(web.fd()) == 2);
    CHECK(merged(reader) == "2:a 2:c ");
  }
}
