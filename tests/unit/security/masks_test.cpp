#include "security/masks.hpp"

#include "security/rlimits.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string_view>

using namespace pausa::security;

TEST_SUITE("security/unit") {
  TEST_CASE("no path is masked twice, and none is both masked and read-only") {
    std::set<std::string_view> seen;
    for (const std::string_view path : masked_paths) CHECK(seen.insert(path).second);
    for (const std::string_view path : read_only_paths) CHECK(seen.insert(path).second);
    for (const std::string_view path : seen) {
      CAPTURE(path);
      CHECK((path.starts_with("/proc/") || path.starts_with("/sys/")));
      CHECK_FALSE(path.ends_with('/'));
      // A mount below a masked directory could not be reached.
      CHECK(std::ranges::none_of(seen, [&](std::string_view other) {
        return other != path && path.starts_with(other) && path[other.size()] == '/';
      }));
    }
  }

  TEST_CASE("what lets a container reach the host through /proc is shut") {
    const auto holds = [](const auto& list, std::string_view path) {
      return std::ranges::find(list, path) != std::end(list);
    };
    for (const char* path : {"/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"})
      CHECK(holds(masked_paths, path));
    for (const char* path : {"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus"})
      CHECK(holds(read_only_paths, path));
  }

  TEST_CASE("no default limit has a soft value above its hard one") {
    for (const Rlimit& limit : default_rlimits) CHECK(limit.soft <= limit.hard);
  }
}
