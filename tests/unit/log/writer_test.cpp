#include "log/writer.hpp"

#include "unit/log/support.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <csignal>
#include <cstdio>
#include <random>
#include <string>

using namespace pausa;
using namespace pausa::log;
using namespace pausa::log::test;

TEST_SUITE("log/unit") {
  TEST_CASE("what goes into the pipe is in the log, and the end is seen") {
    for (const char* place : places()) {
      CAPTURE(place);
      const Dir dir(place);
      Pipe pipe;
      StreamWriter writer(dir.fd(), Stream::err);
      CHECK(writer.drain(pipe.out()).bytes == 0);
      CHECK_FALSE(writer.drain(pipe.out()).eof);
      pipe.put("one\ntwo\n");
      CHECK(writer.drain(pipe.out()).bytes == 8);
      pipe.close();
      CHECK(writer.drain(pipe.out()).eof);
      CHECK(writer.splices());
      CHECK(stored(dir, Stream::err) == "one\ntwo\n");
      CHECK(records(dir, Stream::err, 1).back().value == 8);
    }
  }

  TEST_CASE("a second writer continues where the first one stopped") {
    const Dir dir;
    Pipe pipe;
    pipe.put("ab");
    StreamWriter(dir.fd(), Stream::out).drain(pipe.out());
    pipe.put("cd");
    StreamWriter(dir.fd(), Stream::out).drain(pipe.out());
    CHECK(stored(dir, Stream::out) == "abcd");
    CHECK(list_segments(dir.fd(), Stream::out).size() == 1);
  }

  TEST_CASE("segments and their bytes stay within the limits") {
    const Dir dir;
    Pipe pipe;
    const Limits limits{.segment_bytes = 8192, .segments = 3};
    StreamWriter writer(dir.fd(), Stream::out, limits);
    std::string all;
    for (int i = 0; i < 400; ++i) {
      const std::string line = "line " + std::to_string(i) + std::string(200, '.') + "\n";
      all += line;
      pipe.put(line);
      CHECK(writer.drain(pipe.out()).bytes == line.size());
    }
    const auto segments = list_segments(dir.fd(), Stream::out);
    CHECK(segments.size() == 3);
    CHECK(segments.front() > 1);
    for (const auto segment : segments) {
      const auto bytes = file_bytes(dir, segment_name(Stream::out, segment)).size() +
                         file_bytes(dir, index_name(Stream::out, segment)).size();
      CHECK(bytes <= limits.segment_bytes);
    }
    CHECK(dir.entries() == 6);  // no index of a removed segment is left
    const std::string rest = stored(dir, Stream::out);
    CHECK(rest.size() > 2 * 7000);
    CHECK(all.ends_with(rest));
  }

  TEST_CASE("a stream that ends in a full segment leaves no empty one") {
    const Dir dir;
    Pipe pipe;
    StreamWriter writer(dir.fd(), Stream::out, {.segment_bytes = 4096, .segments = 2});
    pipe.put(std::string(4096 - 64, 'x'));
    CHECK(writer.drain(pipe.out()).bytes == 4096 - 64);
    pipe.close();
    CHECK(writer.drain(pipe.out()).eof);
    CHECK(list_segments(dir.fd(), Stream::out).size() == 1);
  }

  TEST_CASE("index times never run backwards, also across writers and segments") {
    const Dir dir;
    Pipe pipe;
    std::uint64_t last = 0;
    for (int round = 0; round < 3; ++round) {
      StreamWriter writer(dir.fd(), Stream::out, {.segment_bytes = 4096, .segments = 100});
      for (int i = 0; i < 50; ++i) {
        pipe.put(std::string(300, 'x'));
        writer.drain(pipe.out());
      }
    }
    for (const auto segment : list_segments(dir.fd(), Stream::out)) {
      std::uint64_t end = 0;
      for (const Record& record : records(dir, Stream::out, segment)) {
        CHECK(record.time >= last);
        CHECK(record.value >= end);
        last = record.time;
        end = record.value;
      }
      CHECK(end == file_bytes(dir, segment_name(Stream::out, segment)).size());
    }
  }

  TEST_CASE("a log emptied by hand goes on in a new segment, without a hole") {
    const Dir dir;
    Pipe pipe;
    StreamWriter writer(dir.fd(), Stream::out);
    pipe.put("old\n");
    writer.drain(pipe.out());
    REQUIRE(::truncate(dir.path(segment_name(Stream::out, 1)).c_str(), 0) == 0);
    pipe.put("new\n");
    writer.drain(pipe.out());
    CHECK(stored(dir, Stream::out) == "new\n");
  }

  TEST_CASE("a symbolic link in place of a segment is not followed") {
    const Dir dir;
    const Dir victim;
    REQUIRE(::symlinkat(victim.path("file").c_str(), dir.fd(),
                        segment_name(Stream::out, 1).c_str()) == 0);
    Pipe pipe;
    StreamWriter writer(dir.fd(), Stream::out);
    pipe.put("secret");
    CHECK(writer.drain(pipe.out()).err == ELOOP);
    CHECK(victim.entries() == 0);
  }

  TEST_CASE("the master of a pty is logged by copying, to its end") {
    const Dir dir;
    sys::UniqueFd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    REQUIRE(master);
    REQUIRE(::unlockpt(master.get()) == 0);
    char name[64];
    REQUIRE(::ptsname_r(master.get(), name, sizeof name) == 0);
    sys::UniqueFd slave(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
    REQUIRE(slave);
    StreamWriter writer(dir.fd(), Stream::out);
    CHECK(writer.drain_copy(master.get()).bytes == 0);
    REQUIRE(::write(slave.get(), "hello\n", 6) == 6);
    CHECK(writer.drain_copy(master.get()).bytes == 7);  // \r\n
    slave.reset();
    CHECK(writer.drain_copy(master.get()).eof);
    CHECK(stored(dir, Stream::out) == "hello\r\n");
  }

  TEST_CASE("a drainer killed at any instant loses no byte and doubles none") {
    for (const char* place : places()) {
      CAPTURE(place);
      const Dir dir(place);
      Pipe pipe;
      const Shared<Load> load;
      const Child container([&] {
        pipe.close_out();
        write_numbers(pipe.in(), *load);
      });
      pipe.close();
      std::mt19937 random(42);
      std::uniform_int_distribution<unsigned> moment(0, 1500);
      constexpr int kills = 250;
      for (int i = 0; i <= kills; ++i) {
        load->stop = i == kills;
        Child drainer([&] {
          StreamWriter writer(dir.fd(), Stream::out,
                              {.segment_bytes = 256 * 1024, .segments = 1'000'000});
          while (!writer.drain(pipe.out(), 200'000).eof) {}
        });
        if (i < kills) {
          ::usleep(moment(random));  // the random instant; nothing depends on its length
          drainer.kill();
        }
        const int status = drainer.wait();
        CHECK(WIFSIGNALED(status) == (i < kills));
      }
      CHECK(load->written > 500'000);  // so the kills came while bytes flowed
      CHECK(first_wrong_number(stored(dir, Stream::out), load->written) == -1);
      CHECK(list_segments(dir.fd(), Stream::out).size() > 5);
    }
  }
}
