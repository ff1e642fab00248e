// Each case gives things up in a child and then looks at /proc/self/status after an exec.
#include "security/apply.hpp"

#include "security/caps.hpp"
#include "security/rlimits.hpp"
#include "security/seccomp.hpp"
#include "unit/security/child.hpp"

#include <errno.h>
#include <linux/keyctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <vector>

using namespace pausa;
using namespace pausa::security;

namespace {

bool skipped_without_root() {
  if (::geteuid() == 0 && host_caps().has(CAP_SYS_ADMIN) && host_caps().has(CAP_SETPCAP))
    return false;
  MESSAGE("skipped: needs root with CAP_SYS_ADMIN and CAP_SETPCAP");
  return true;
}

// The order that the header gives.
bool confine(const Confinement& c) {
  if (!new_session_keyring() || !set_rlimits(c)) return false;
  set_umask(c.umask);
  if (!c.no_new_privs && !load_filter(c)) return false;
  if (!bound_caps(c.bounding) || !hold_caps(c.bounding | needed_by_set_ids)) return false;
  if (!set_ids(c) || !hold_caps(c.effective)) return false;
  if (!c.no_new_privs) return true;
  return set_no_new_privs() && load_filter(c);
}

std::string line_of(const std::string& status, const std::string& key) {
  std::istringstream in(status);
  std::string line;
  while (std::getline(in, line))
    if (line.starts_with(key + ":\t")) return line.substr(key.size() + 2);
  return "(none)";
}

CapSet caps_of(const std::string& status, const std::string& key) {
  return {std::stoull(line_of(status, key), nullptr, 16)};
}

// The status of a program that was executed under the confinement.
std::string status_under(const Confinement& confinement) {
  const test::Outcome outcome = test::in_child([&](int out) {
    if (!confine(confinement)) return 100 + errno % 100;
    (void)::dup2(out, STDOUT_FILENO);
    char* argv[] = {const_cast<char*>("cat"), const_cast<char*>("/proc/self/status"), nullptr};
    char* envp[] = {nullptr};
    (void)::execve("/bin/cat", argv, envp);
    return 99;
  });
  CHECK(outcome.exited(0));
  return outcome.output;
}

struct Prepared {
  explicit Prepared(CapSet caps) : filter(compile(default_profile(), caps)) {
    c.bounding = caps.bits;
    c.effective = caps.bits;
    c.groups = groups.data();
    c.group_count = groups.size();
    c.filter = filter.program.data();
    c.filter_length = filter.program.size();
    c.filter_flags = filter.flags;
    c.rlimits = default_rlimits;
    c.rlimit_count = std::size(default_rlimits);
  }
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;

  Filter filter;
  std::vector<std::uint32_t> groups{0};
  Confinement c;
};

}  // namespace

TEST_SUITE("security/unit") {
  TEST_CASE("a root process keeps exactly its set, and nothing to inherit") {
    if (skipped_without_root()) return;
    for (const bool no_new_privs : {false, true}) {
      CAPTURE(no_new_privs);
      const CapSet caps = default_caps & host_caps();
      Prepared p(caps);
      p.c.no_new_privs = no_new_privs;
      const std::string status = status_under(p.c);
      CHECK(caps_of(status, "CapBnd") == caps);
      CHECK(caps_of(status, "CapPrm") == caps);
      CHECK(caps_of(status, "CapEff") == caps);
      CHECK(caps_of(status, "CapInh").empty());
      CHECK(caps_of(status, "CapAmb").empty());
      CHECK(line_of(status, "NoNewPrivs") == (no_new_privs ? "1" : "0"));
      CHECK(line_of(status, "Seccomp") == "2");
      CHECK(line_of(status, "Umask") == "0022");
    }
  }

  TEST_CASE("another user has its ids and groups, and no capability but in the bounding set") {
    if (skipped_without_root()) return;
    for (const bool no_new_privs : {false, true}) {
      CAPTURE(no_new_privs);
      const CapSet caps = default_caps.with(CAP_NET_RAW) & host_caps();
      Prepared p(caps);
      p.groups = {4321, 44, 29};
      p.c.groups = p.groups.data();
      p.c.group_count = p.groups.size();
      p.c.uid = 1234;
      p.c.gid = 4321;
      p.c.effective = 0;
      p.c.no_new_privs = no_new_privs;
      const std::string status = status_under(p.c);
      CHECK(line_of(status, "Uid") == "1234\t1234\t1234\t1234");
      CHECK(line_of(status, "Gid") == "4321\t4321\t4321\t4321");
      CHECK(line_of(status, "Groups") == "29 44 4321 ");
      CHECK(caps_of(status, "CapBnd") == caps);
      for (const char* set : {"CapPrm", "CapEff", "CapInh", "CapAmb"}) {
        CAPTURE(set);
        CHECK(caps_of(status, set).empty());
      }
    }
  }

  TEST_CASE("a container that drops ALL has nothing, though it becomes its user all the same") {
    if (skipped_without_root()) return;
    Prepared p({});
    p.c.uid = 7;
    p.c.gid = 7;
    const std::string status = status_under(p.c);
    CHECK(line_of(status, "Uid") == "7\t7\t7\t7");
    CHECK(caps_of(status, "CapBnd").empty());
    CHECK(caps_of(status, "CapPrm").empty());
  }

  TEST_CASE("inherited and ambient capabilities of ours do not reach the member") {
    if (skipped_without_root()) return;
    const test::Outcome outcome = test::in_child([](int) {
      __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
      __user_cap_data_struct data[2] = {};
      (void)::syscall(SYS_capget, &header, data);
      data[0].inheritable = data[0].permitted;
      if (::syscall(SYS_capset, &header, data) != 0) return 1;
      if (::syscall(SYS_prctl, 47 /* PR_CAP_AMBIENT */, 2 /* RAISE */, CAP_CHOWN, 0, 0) != 0)
        return 2;
      Prepared p(default_caps & host_caps());
      p.c.uid = 5;
      p.c.effective = 0;
      const std::string status = status_under(p.c);
      return caps_of(status, "CapInh").empty() && caps_of(status, "CapAmb").empty() &&
                     caps_of(status, "CapPrm").empty()
                 ? 0
                 : 3;
    });
    CHECK(outcome.exited(0));
  }

  TEST_CASE("a filter is refused without privilege and without no_new_privs") {
    if (skipped_without_root()) return;
    const test::Outcome outcome = test::in_child([](int) {
      Prepared p(default_caps);
      if (!hold_caps(0)) return 1;
      if (load_filter(p.c)) return 2;
      if (errno != EACCES) return 3;
      return set_no_new_privs() && load_filter(p.c) ? 0 : 4;
    });
    CHECK(outcome.exited(0));
  }

  TEST_CASE("what cannot be given up is an error, not a shrug") {
    if (skipped_without_root()) return;
    const test::Outcome outcome = test::in_child([](int) {
      if (!hold_caps(0)) return 1;
      if (bound_caps(0) || errno != EPERM) return 2;
      Prepared p(default_caps);
      if (set_ids(p.c) || errno != EPERM) return 3;
      return 0;
    });
    CHECK(outcome.exited(0));
  }

  TEST_CASE("a hard limit that cannot be raised is clamped, and no error") {
    if (skipped_without_root()) return;
    const test::Outcome outcome = test::in_child([](int) {
      const rlimit low{50, 100};
      if (::setrlimit(RLIMIT_NOFILE, &low) != 0) return 1;
      if (!hold_caps(0)) return 2;
      Confinement c;
      c.rlimits = default_rlimits;
      c.rlimit_count = std::size(default_rlimits);
      if (!set_rlimits(c)) return 3;
      rlimit now{};
      if (::getrlimit(RLIMIT_NOFILE, &now) != 0) return 4;
      if (now.rlim_cur != 100 || now.rlim_max != 100) return 5;
      if (::getrlimit(RLIMIT_CORE, &now) != 0) return 6;
      return now.rlim_cur == 0 ? 0 : 7;
    });
    CHECK(outcome.exited(0));
  }

  TEST_CASE("the OOM score is written, and a text that is none is an error") {
    const test::Outcome outcome = test::in_child([](int) {
      if (!set_oom_score_adj("777")) return 1;
      if (sys::read_file_at(AT_FDCWD, "/proc/self/oom_score_adj", 64) != "777\n") return 2;
      return set_oom_score_adj("a lot") ? 3 : 0;
    });
    CHECK(outcome.exited(0));
  }

  TEST_CASE("the session keyring is a new one, where there are keyrings") {
    const test::Outcome outcome = test::in_child([](int) {
      const auto ring = [] {
        return ::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1);
      };
      const long before = ring();
      if (before < 0) return 77;
      if (!new_session_keyring()) return 1;
      return ring() != before ? 0 : 2;
    });
    if (outcome.exited(77)) MESSAGE("skipped: no keyrings here");
    CHECK((outcome.exited(0) || outcome.exited(77)));
  }
}
