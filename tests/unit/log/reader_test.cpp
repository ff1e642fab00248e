#include "log/reader.hpp"

#include "log/watch.hpp"
#include "unit/log/support.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

using namespace pausa;
using namespace pausa::log;
using namespace pausa::log::test;

namespace {

Time at(std::uint64_t ns) {
  return Time(std::chrono::nanoseconds(ns));
}

}  // namespace

TEST_SUITE("log/unit") {
  TEST_CASE("lines have the time of the batch that ended them") {
    const Dir dir;
    write_segment(dir, Stream::out, 1, "one\ntwo\nthree\n", {{6, 100}, {8, 200}, {14, 300}});
    const auto lines = read_all(dir, Stream::out);
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].time == at(100));
    CHECK(lines[1].time == at(200));
    CHECK(lines[2].time == at(300));
    CHECK(lines[1].text == "two");
    CHECK_FALSE(lines[2].partial);
  }

  TEST_CASE("bytes that no entry covers have the next entry's time, or the file's") {
    const Dir dir;
    write_segment(dir, Stream::out, 1, "a\nb\nc\n", {{2, 100}});
    const auto lines = read_all(dir, Stream::out);
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].time == at(100));
    CHECK(lines[1].time > at(1'600'000'000'000'000'000));
    CHECK(lines[2].time == lines[1].time);
    write_segment(dir, Stream::out, 1, "a\nb\nc\n", {{2, 100}, {6, 150}});
    CHECK(read_all(dir, Stream::out)[1].time == at(150));
  }

  TEST_CASE("a log without an index is still read") {
    const Dir dir;
    write_segment(dir, Stream::out, 1, "a\nb\n", {});
    REQUIRE(::unlinkat(dir.fd(), index_name(Stream::out, 1).c_str(), 0) == 0);
    CHECK(texts(read_all(dir, Stream::out)) == std::vector<std::string>{"a", "b"});
  }

  TEST_CASE("a line that crosses segments is one line") {
    const Dir dir;
    write_segment(dir, Stream::out, 7, "one\ntw", {{6, 100}});
    write_segment(dir, Stream::out, 8, "o\nthree", {{2, 200}, {7, 300}});
    const auto lines = read_all(dir, Stream::out);
    CHECK(texts(lines) == std::vector<std::string>{"one", "two", "three"});
    CHECK(lines[1].time == at(200));
    CHECK(lines[2].time == at(300));
    CHECK(lines[2].partial);  // no newline came
  }

  TEST_CASE("every byte is preserved, and long lines come in pieces") {
    const Dir dir;
    std::string all(300'000, '\0');
    std::mt19937 random(7);
    for (char& c : all) c = static_cast<char>(random());
    std::replace(all.begin() + 1000, all.end(), '\n', '.');
    write_segment(dir, Stream::out, 1, all.substr(0, 100'000), {});
    write_segment(dir, Stream::out, 2, all.substr(100'000), {});
    std::string joined;
    for (const Line& line : read_all(dir, Stream::out)) {
      CHECK(line.text.size() <= StreamReader::max_piece);
      joined += line.text;
      if (!line.partial) joined += '\n';
    }
    CHECK(joined == all);
  }

  TEST_CASE("tail finds the last lines over segments, whatever ends the log") {
    for (const bool newline : {true, false}) {
      CAPTURE(newline);
      const Dir dir;
      std::vector<std::string> all;
      std::string bytes;
      for (int i = 0; i < 1000; ++i) {
        all.push_back("line " + std::to_string(i) + std::string(static_cast<std::size_t>(i), 'x'));
        bytes += all.back() + "\n";
      }
      if (!newline) bytes.pop_back();
      const std::size_t third = bytes.size() / 3;
      write_segment(dir, Stream::out, 1, bytes.substr(0, third), {});
      write_segment(dir, Stream::out, 2, bytes.substr(third, third), {});
      write_segment(dir, Stream::out, 3, bytes.substr(2 * third), {});
      write_segment(dir, Stream::out, 4, "", {});
      for (const std::size_t count : {0, 1, 2, 10, 500, 999, 1000, 5000}) {
        CAPTURE(count);
        const std::size_t expected = std::min<std::size_t>(count, 1000);
        StreamReader reader(dir.fd(), Stream::out, {.tail = count});
        CHECK(reader.tail_lines() == expected);
        CHECK(texts(rest(reader)) ==
              std::vector<std::string>(all.end() - static_cast<long>(expected), all.end()));
      }
    }
  }

  TEST_CASE("since gives the lines that ended at that time or later") {
    const Dir dir;
    write_segment(dir, Stream::out, 1, "a\nb\nc", {{2, 100}, {4, 200}, {5, 300}});
    write_segment(dir, Stream::out, 2, "c\nd\ne\n", {{2, 400}, {6, 500}});
    const std::vector<std::string> all{"a", "b", "cc", "d", "e"};
    const auto since = [&](std::uint64_t ns) {
      StreamReader reader(dir.fd(), Stream::out, {.since = at(ns)});
      return texts(rest(reader));
    };
    CHECK(since(0) == all);
    CHECK(since(100) == all);
    CHECK(since(101) == std::vector<std::string>(all.begin() + 1, all.end()));
    CHECK(since(300) == std::vector<std::string>(all.begin() + 2, all.end()));
    CHECK(since(400) == std::vector<std::string>(all.begin() + 2, all.end()));
    CHECK(since(401) == std::vector<std::string>{"d", "e"});
    CHECK(since(4'000'000'000'000'000'000).empty());
    StreamReader both(dir.fd(), Stream::out, {.tail = 4, .since = at(401)});
    CHECK(texts(rest(both)) == std::vector<std::string>{"d", "e"});
    StreamReader other(dir.fd(), Stream::out, {.tail = 1, .since = at(100)});
    CHECK(texts(rest(other)) == std::vector<std::string>{"e"});
  }

  TEST_CASE("a loss is shown where it happened, once, and cuts its line") {
    const Dir dir;
    write_segment(dir, Stream::out, 1, "one\ntwo\n",
                  {{6, 100}, {Record::loss_bit | 4096, 150}, {8, 200}});
    const auto lines = read_all(dir, Stream::out);
    REQUIRE(lines.size() == 4);
    CHECK(lines[1].text == "tw");
    CHECK(lines[1].partial);
    CHECK(lines[2].kind == Line::Kind::lost);
    CHECK(lines[2].missing == 4096);
    CHECK(lines[2].time == at(150));
    CHECK(lines[3].text == "o");
  }

  TEST_CASE("a loss that goes on is held back from followers and told to others") {
    const Dir dir;
    write_segment(dir, Stream::out, 1, "one\n", {{4, 100}, {Record::loss_bit | 10, 150}});
    StreamReader follower(dir.fd(), Stream::out, {.follow = true});
    CHECK(texts(rest(follower)) == std::vector<std::string>{"one"});
    CHECK(read_all(dir, Stream::out).back().missing == 10);
    write_segment(dir, Stream::out, 1, "one\ntwo\n",
                  {{4, 100}, {Record::loss_bit | 77, 150}, {8, 200}});
    const auto more = rest(follower);
    REQUIRE(more.size() == 2);
    CHECK(more[0].missing == 77);
    CHECK(more[1].text == "two");
  }

  TEST_CASE("follow gives lines as they end, also over a rotation, and can be resumed") {
    const Dir dir;
    StreamReader unborn(dir.fd(), Stream::out, {.follow = true});
    Line line;
    CHECK_FALSE(unborn.next(line));
    append(dir, Stream::out, 1, "one\ntw");
    CHECK(texts(rest(unborn)) == std::vector<std::string>{"one"});
    const Position before = unborn.position();
    CHECK(before == Position{1, 4});
    append(dir, Stream::out, 2, "o\nthr");
    CHECK(texts(rest(unborn)) == std::vector<std::string>{"two"});
    CHECK(unborn.flush(line));
    CHECK(line.text == "thr");
    CHECK(line.partial);
    CHECK_FALSE(unborn.flush(line));
    append(dir, Stream::out, 2, "ee\n");
    CHECK(texts(rest(unborn)) == std::vector<std::string>{"ee"});
    StreamReader resumed(dir.fd(), Stream::out, before);
    CHECK(texts(rest(resumed)) == std::vector<std::string>{"two", "three"});
  }

  TEST_CASE("without follow the end is where it was when the reading began") {
    const Dir dir;
    append(dir, Stream::out, 1, "one\ntwo\n");
    StreamReader all(dir.fd(), Stream::out);
    StreamReader tail(dir.fd(), Stream::out, {.tail = 1});
    append(dir, Stream::out, 1, "three\n");
    append(dir, Stream::out, 2, "four\n");
    CHECK(texts(rest(all)) == std::vector<std::string>{"one", "two"});
    CHECK(texts(rest(tail)) == std::vector<std::string>{"two"});
    StreamReader later(dir.fd(), Stream::out, {.tail = 2});
    append(dir, Stream::out, 2, "five\n");
    CHECK(texts(rest(later)) == std::vector<std::string>{"three", "four"});
  }

  TEST_CASE("a follower that rotation overtook says so and goes on") {
    const Dir dir;
    append(dir, Stream::out, 1, "one\ntw");
    StreamReader reader(dir.fd(), Stream::out, {.follow = true});
    CHECK(texts(rest(reader)) == std::vector<std::string>{"one"});
    append(dir, Stream::out, 5, "five\n");
    remove_segments_below(dir.fd(), Stream::out, 5);
    const auto lines = rest(reader);
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].text == "tw");
    CHECK(lines[0].partial);
    CHECK(lines[1].kind == Line::Kind::rotated);
    CHECK(lines[2].text == "five");
    StreamReader late(dir.fd(), Stream::out, Position{2, 3}, {});
    CHECK(rest(late).front().kind == Line::Kind::rotated);
  }

  TEST_CASE("the watcher fires for new bytes, for new segments, and not without") {
    const Dir dir;
    Watcher watcher;
    watcher.add(dir.fd());
    CHECK_FALSE(watcher.clear());
    Pipe pipe;
    StreamWriter writer(dir.fd(), Stream::out);
    CHECK_FALSE(watcher.clear());
    CHECK(list_segments(dir.fd(), Stream::out).empty());  // a silent stream makes no file
    pipe.put("line\n");
    writer.drain(pipe.out());
    CHECK(watcher.clear());
    CHECK_FALSE(watcher.clear());
    pipe.put("more\n");
    writer.drain(pipe.out());
    CHECK(watcher.clear());
    append(dir, Stream::err, 2, "");
    CHECK(watcher.clear());
  }

  TEST_CASE("a reader beside a rotating writer gets every line once, in order, times ascending") {
    const Dir dir;
    constexpr int count = 60'000;
    Pipe pipe;
    const Child container([&] {
      std::string text;
      for (int i = 0; i < count; ++i) {
        text += "line " + std::to_string(i) + "\n";
        if (text.size() < 700 && i + 1 < count) continue;
        if (::write(pipe.in(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
          ::_exit(1);
        text.clear();
      }
    });
    const Child drainer([&] {
      pipe.close();
      StreamWriter writer(dir.fd(), Stream::out, {.segment_bytes = 16'384, .segments = 10'000});
      while (!writer.drain(pipe.out(), 50'000).eof) ::usleep(50);
    });
    pipe.close();
    pipe.close_out();
    StreamReader reader(dir.fd(), Stream::out, {.follow = true});
    Line line;
    Time last{};
    for (int i = 0; i < count;) {
      if (!reader.next(line)) {
        ::usleep(100);  // instead of the watcher; the loop ends by the count of lines
        continue;
      }
      REQUIRE(line.text == "line " + std::to_string(i));
      REQUIRE_FALSE(line.partial);
      REQUIRE(line.time >= last);
      last = line.time;
      ++i;
    }
    CHECK(reader.position().segment > 20);
  }
}
