#include "security/idmap.hpp"

#include "support/temp_tree.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace pausa;
using namespace pausa::security;

namespace {

// A child in a new user namespace that waits to be ended. Told apart from failure by its pid.
class Sleeper {
 public:
  Sleeper() {
    int ends[2];
    sys::check(::pipe2(ends, O_CLOEXEC), "pipe");
    const sys::UniqueFd reading(ends[0]);
    sys::UniqueFd writing(ends[1]);
    pid_ = sys::check(::fork(), "fork");
    if (pid_ == 0) {
      const char ok = ::unshare(CLONE_NEWUSER) == 0 ? 'y' : 'n';
      (void)!::write(writing.get(), &ok, 1);
      for (;;) ::pause();
    }
    writing.reset();
    char said = 0;
    ready_ = ::read(reading.get(), &said, 1) == 1 && said == 'y';
  }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;
  ~Sleeper() {
    (void)::kill(pid_, SIGKILL);  // our own child, not reaped yet
    (void)::waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }
  bool ready() const { return ready_; }
  std::string file(const char* name) const {
    return sys::read_file_at(AT_FDCWD, "/proc/" + std::to_string(pid_) + '/' + name, 4096)
        .value_or("");
  }

 private:
  pid_t pid_ = -1;
  bool ready_ = false;
};

bool can_unshare() {
  static const bool can = Sleeper().ready();
  if (!can) MESSAGE("skipped: no user namespaces here");
  return can;
}

// The kernel pads the columns.
std::vector<std::uint32_t> numbers(const std::string& text) {
  std::vector<std::uint32_t> result;
  std::size_t at = 0;
  while ((at = text.find_first_of("0123456789", at)) != std::string::npos) {
    std::size_t length = 0;
    result.push_back(static_cast<std::uint32_t>(std::stoul(text.substr(at), &length)));
    at += length;
  }
  return result;
}

}  // namespace

TEST_SUITE("security/unit") {
  TEST_CASE("subordinate ranges are found by name and by number, bad lines are passed over") {
    constexpr std::string_view text =
        "# comment\n"
        "alice:100000:65536\n"
        "bob:200000:65536\n"
        "1000:300000:1000\n"
        "alice:x:5\n"
        "alice:400000:0\n"
        "alice:4294967295:2\n"
        "alice:1:2:3\n"
        "alice:500000:7";
    CHECK(parse_subids(text, "alice", 1000) ==
          std::vector<SubIds>{{100000, 65536}, {300000, 1000}, {500000, 7}});
    CHECK(parse_subids(text, "", 7).empty());
    CHECK(parse_subids("", "alice", 1000).empty());
  }

  TEST_CASE("a user's name is that of the first line with the number") {
    constexpr std::string_view passwd = "root:x:0:0::/:\nbad\nme:x:1000:5::/:\nalso:x:1000:5::/:\n";
    CHECK(parse_user_name(passwd, 1000) == "me");
    CHECK(parse_user_name(passwd, 5).empty());
  }

  TEST_CASE("a rootless map begins with the user itself and has no gap") {
    const IdMap map = rootless_map(1000, {{100000, 65536}, {300000, 10}});
    CHECK(map == IdMap{{0, 1000, 1}, {1, 100000, 65536}, {65537, 300000, 10}});
    CHECK(ids_from_zero(map) == 65547);
    CHECK(outside_of(map, 0) == 1000);
    CHECK(outside_of(map, 1) == 100000);
    CHECK(outside_of(map, 65537) == 300000);
    CHECK_FALSE(outside_of(map, 65547));
    CHECK(map_text(map) == "0 1000 1\n1 100000 65536\n65537 300000 10\n");
  }

  TEST_CASE("ranges that would pass the last id are cut there") {
    const IdMap map = rootless_map(1000, {{1, 4294967290U}, {7, 100}});
    CHECK(map.back().inside + map.back().count == 4294967295U);
    CHECK(ids_from_zero(map) == 4294967295U);
  }

  TEST_CASE("a block of root's is 65536 ids from its base") {
    CHECK(rootful_block(524288) == IdMap{{0, 524288, 65536}});
    CHECK(outside_of(rootful_block(524288), 65535) == 589823);
  }

  TEST_CASE("root writes a block as it is") {
    if (::geteuid() != 0) {
      MESSAGE("skipped: needs root");
      return;
    }
    if (!can_unshare()) return;
    const Sleeper child;
    REQUIRE(child.ready());
    write_id_maps(child.pid(), {rootful_block(524288), rootful_block(655360)});
    CHECK(numbers(child.file("uid_map")) == std::vector<std::uint32_t>{0, 524288, 65536});
    CHECK(numbers(child.file("gid_map")) == std::vector<std::uint32_t>{0, 655360, 65536});
    CHECK(child.file("setgroups") == "allow\n");
  }

  TEST_CASE("a user without ranges maps itself alone, and setgroups is denied for it") {
    if (!can_unshare()) return;
    if (::geteuid() != 0) {
      MESSAGE("skipped: needs root, to become a user without ranges");
      return;
    }
    const int outcome = test::as_user(65532, [] {
      const IdMaps maps = rootless_maps();
      if (!maps.groups_denied()) return 1;
      const Sleeper child;
      if (!child.ready()) return 2;
      write_id_maps(child.pid(), maps);
      if (numbers(child.file("uid_map")) != std::vector<std::uint32_t>{0, 65532, 1}) return 3;
      if (numbers(child.file("gid_map")) != std::vector<std::uint32_t>{0, 65532, 1}) return 4;
      return child.file("setgroups") == "deny\n" ? 0 : 5;
    });
    CHECK(outcome == 0);
  }

  TEST_CASE("a refused map says what to look at") {
    if (!can_unshare()) return;
    if (::geteuid() != 0) {
      MESSAGE("skipped: needs root, to become a user without ranges");
      return;
    }
    const int outcome = test::as_user(65532, [] {
      const Sleeper child;
      if (!child.ready()) return 2;
      try {
        // Not this user's to give: newuidmap refuses it, or is not installed.
        write_id_maps(child.pid(), {rootless_map(65532, {{100000, 10}}), rootless_map(65532, {})});
      } catch (const sys::Error& error) {
        const std::string text = error.what();
        return text.find("/etc/subuid") != std::string::npos ||
                       text.find("uidmap") != std::string::npos
                   ? 0
                   : 3;
      }
      return 4;
    });
    CHECK(outcome == 0);
  }

  TEST_CASE("an empty map is refused before the kernel sees it") {
    CHECK_THROWS_AS(write_id_maps(::getpid(), {}), sys::Error);
  }
}
