#include "unit/log/support.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <cerrno>
#include <chrono>
#include <string>

using namespace pausa;
using namespace pausa::log;
using namespace pausa::log::test;

namespace {

// The rest runs in a forked child with its own mount namespace, so that the small tmpfs goes with
// it; what went wrong comes back as text.
class Outcome {
 public:
  void expect(bool ok, const std::string& what) {
    if (!ok) text_ += what + "; ";
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

void fill_disk(const std::string& path) {
  const sys::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  const std::string block(4096, 'f');
  while (::write(fd.get(), block.data(), block.size()) > 0) {}
}

std::string run_on_full_disk(const Dir& dir) {
  Outcome outcome;
  if (::unshare(CLONE_NEWNS) < 0) return "skip";
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) return "skip";
  if (::mount("tmpfs", dir.path("").c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "size=1m") < 0)
    return "skip";
  const sys::UniqueFd disk(::open(dir.path("").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) return "pipe";
  const sys::UniqueFd out(ends[0]);
  const sys::UniqueFd in(ends[1]);
  const auto put = [&](const std::string& text) {
    return ::write(in.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  };
  StreamWriter writer(disk.get(), Stream::out);
  outcome.expect(put("before\n"), "put before");
  outcome.expect(writer.drain(out.get()).bytes == 7, "store before");
  const std::string filler = dir.path("filler");
  fill_disk(filler);

  // The segment's page still has room; then the disk is full. The bytes wait in the pipe first.
  const std::string chunk(32 * 1024, 'y');
  outcome.expect(put(chunk), "put chunk");
  auto drained = writer.drain(out.get());
  outcome.expect(drained.bytes < chunk.size() && drained.dropped == 0, "kept waiting");
  drained = writer.drain(out.get());
  outcome.expect(drained.stalled && drained.err == ENOSPC, "stalled by ENOSPC");

  // A container that writes without end is let go on within a second.
  const auto full = std::chrono::steady_clock::now();
  std::size_t dropped = 0;
  int rounds = 0;
  while (dropped == 0 && ++rounds < 10'000) {
    ::poll(nullptr, 0, 1);
    dropped += writer.drain(out.get()).dropped;
  }
  const auto waited = std::chrono::steady_clock::now() - full;
  outcome.expect(dropped > 0, "dropped");
  outcome.expect(waited >= StreamWriter::patience - StreamWriter::probe_every, "patience");
  for (int i = 0; i < 5; ++i) {
    outcome.expect(put(chunk), "the container is not held up");
    dropped += writer.drain(out.get()).dropped;
  }

  // Room again: the stream goes on by itself, and the loss is in the log, counted.
  if (::unlink(filler.c_str()) < 0) return "unlink";
  const std::string after = "after\n";
  for (rounds = 0; rounds < 1000; ++rounds) {
    outcome.expect(put(after), "put after");
    drained = writer.drain(out.get());
    dropped += drained.dropped;
    if (drained.bytes > 0) break;
    ::poll(nullptr, 0, 1);
  }
  outcome.expect(drained.bytes >= after.size(), "recovered");

  StreamReader reader(disk.get(), Stream::out);
  std::vector<Line> lines = rest(reader);
  std::size_t missing = 0;
  std::size_t losses = 0;
  for (const Line& line : lines) {
    missing += line.missing;
    if (line.kind == Line::Kind::lost) ++losses;
  }
  outcome.expect(lines.size() >= 3 && lines.front().text == "before", "first line");
  outcome.expect(!lines.empty() && lines.back().text == "after", "last line");
  outcome.expect(losses == 1, "one loss: " + std::to_string(losses));
  outcome.expect(missing == dropped,
                 "count " + std::to_string(missing) + " of " + std::to_string(dropped));
  return outcome.text();
}

// Runs `work` in a forked child; what it returns.
std::string in_child(const std::function<std::string()>& work) {
  Pipe result;
  const Child child([&] {
    const std::string text = work();
    (void)!::write(result.in(), text.data(), text.size());
  });
  result.close();
  std::string text;
  char bytes[4096];
  for (ssize_t got = 0; (got = ::read(result.out(), bytes, sizeof bytes)) > 0;)
    text.append(bytes, static_cast<std::size_t>(got));
  return text;
}

}  // namespace

TEST_SUITE("log/unit") {
  TEST_CASE(
      "a full disk holds no container up; the loss is counted and shown, recovery automatic") {
    const Dir dir;
    const std::string outcome = in_child([&] { return run_on_full_disk(dir); });
    if (outcome == "skip") {
      MESSAGE("skipped: this user may not mount a tmpfs");
      return;
    }
    CHECK(outcome == "");
  }

  TEST_CASE("a directory that is gone is an error to report, not one to stop at") {
    const Dir dir;
    Pipe pipe;
    REQUIRE(::mkdirat(dir.fd(), "gone", 0700) == 0);
    const sys::UniqueFd gone(::open(dir.path("gone").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    REQUIRE(::rmdir(dir.path("gone").c_str()) == 0);
    StreamWriter writer(gone.get(), Stream::out);
    pipe.put("text");
    const Drained drained = writer.drain(pipe.out());
    CHECK(drained.stalled);
    CHECK(drained.err == ENOENT);
    char bytes[8];
    CHECK(::read(pipe.out(), bytes, sizeof bytes) == 4);
    pipe.close();
    CHECK(writer.drain(pipe.out()).eof);
  }
}
