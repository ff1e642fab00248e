#include "pod.hpp"

#include <sys/prctl.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>

using namespace pausa;
using test::eventually;

namespace {

// A guard that starts `sh -c SCRIPT` as its supervisor, in a folder of its own.
class Guarded {
 public:
  // supervisor: the code that the first supervisor, the guard's child already, runs; null: none.
  explicit Guarded(const std::string& script, void (*supervisor)() = nullptr,
                   const char* program = "/bin/sh") {
    const sys::UniqueFd shell(::open(program, O_RDONLY | O_CLOEXEC));
    sys::check(shell.get(), "open the program");
    const std::string guard = test::libexec + "pausa-guard";
    pid_ = sys::check(::fork(), "fork");
    if (pid_ == 0) {
      if (::fchdir(folder_.fd()) < 0) ::_exit(120);
      pid_t first = 0;
      if (supervisor != nullptr) {
        first = ::fork();
        if (first == 0) {
          supervisor();
          ::_exit(0);
        }
      }
      const std::string first_text = std::to_string(first);
      (void)::dup2(shell.get(), 3);
      ::execl(guard.c_str(), "pausa-guard", first_text.c_str(), "sh", "-c", script.c_str(),
              nullptr);
      ::_exit(121);
    }
  }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  ~Guarded() {
    if (pid_ <= 0) return;
    (void)::kill(pid_, SIGKILL);
    (void)::waitpid(pid_, nullptr, 0);
    // The supervisor outlives its guard by design; the script's name for it is in a file.
    for (const pid_t supervisor : supervisors()) (void)::kill(supervisor, SIGKILL);
  }

  pid_t pid() const { return pid_; }
  const test::TempTree& folder() const { return folder_; }
  // The pids that scripts left in "pids", a line each.
  std::vector<pid_t> supervisors() const {
    std::istringstream text(folder_.read("pids"));
    std::vector<pid_t> pids;
    for (std::string line; std::getline(text, line);)
      if (!line.empty()) pids.push_back(std::stoi(line));
    return pids;
  }
  // The guard's own end.
  int wait() {
    int status = 0;
    sys::check(::waitpid(pid_, &status, 0), "wait for the guard");
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  test::TempTree folder_;
  pid_t pid_ = 0;
};

}  // namespace

TEST_SUITE("infra/unit") {
  TEST_CASE("the guard ends with 0 when the supervisor does") {
    CHECK(Guarded("exit 0").wait() == 0);
    CHECK(Guarded("echo no > started", [] {}).wait() == 0);
    Guarded handed_over("echo second > started", [] {});
    CHECK(handed_over.wait() == 0);
    CHECK(handed_over.folder().read("started").empty());
  }

  TEST_CASE("a killed supervisor is started again, each time, by the same arguments") {
    Guarded guard("echo $$ >> pids; if test -e stop; then exit 0; fi; exec sleep 1000",
                  [] { (void)::raise(SIGKILL); });
    constexpr std::size_t kills = 20;
    for (std::size_t i = 1; i <= kills; ++i) {
      REQUIRE(eventually([&] { return guard.supervisors().size() == i; }));
      const pid_t supervisor = guard.supervisors().back();
      CHECK(test::status_of(supervisor, "PPid") == std::to_string(guard.pid()));
      if (i == kills) guard.folder().file("stop", "");
      CHECK(::kill(supervisor, SIGKILL) == 0);
    }
    CHECK(guard.wait() == 0);
    CHECK(guard.supervisors().size() == kills + 1);
  }

  TEST_CASE("one that is killed at once, again and again, is started less and less often") {
    Guarded guard("echo $$ >> pids; kill -KILL $$");
    REQUIRE(eventually([&] { return guard.supervisors().size() >= 12; }));
    const auto before = guard.supervisors().size();
    ::usleep(500'000);  // a rate is what is tested
    CHECK(guard.supervisors().size() - before <= 20);
  }

  TEST_CASE("a supervisor that fails is started again until it succeeds") {
    Guarded guard("echo $$ >> pids; test $(wc -l < pids) -ge 5");
    CHECK(guard.wait() == 0);
    CHECK(guard.supervisors().size() == 5);
  }

  TEST_CASE(
      "a new supervisor has a clean signal mask, the environment, and no descriptor but stdio") {
    ::setenv("PAUSA_GUARD_TEST", "kept", 1);
    Guarded guard(
        "grep SigBlk /proc/self/status > mask; echo $PAUSA_GUARD_TEST > env; "
        "for n in 0 1 2 3 4 5 6 7 8 9; do test -e /proc/$$/fd/$n && echo $n; done > fds; exit 0");
    CHECK(guard.wait() == 0);
    CHECK(guard.folder().read("mask") == "SigBlk:\t0000000000000000\n");
    CHECK(guard.folder().read("env") == "kept\n");
    CHECK(guard.folder().read("fds") == "0\n1\n2\n");
  }

  TEST_CASE("the guard is a subreaper that blocks all signals and goes by its name") {
    Guarded guard("echo $$ >> pids; (sleep 1000 & echo $! > orphan); exec sleep 1000");
    REQUIRE(eventually([&] { return guard.folder().read("orphan").ends_with('\n'); }));
    const pid_t orphan = std::stoi(guard.folder().read("orphan"));
    CHECK(
        eventually([&] { return test::status_of(orphan, "PPid") == std::to_string(guard.pid()); }));
    CHECK(test::status_of(guard.pid(), "Name") == "pausa-guard");
    CHECK(test::status_of(guard.pid(), "SigBlk") == "fffffffffffbfeff");
    CHECK(::kill(guard.pid(), SIGTERM) == 0);
    CHECK(::kill(orphan, SIGKILL) == 0);
    CHECK(eventually([&] { return ::kill(orphan, 0) < 0; }));  // reaped, not a zombie
    CHECK(test::status_of(guard.pid(), "State").front() == 'S');
  }

  TEST_CASE("a program that cannot be executed ends the guard with 1, wrong use with 2") {
    CHECK(Guarded("", nullptr, "/dev/null").wait() == 1);
    const std::string guard = test::libexec + "pausa-guard";
    for (const char* pid : {"x", "", "-1", "99999999999"}) {
      const pid_t child = sys::check(::fork(), "fork");
      if (child == 0) {
        ::execl(guard.c_str(), "pausa-guard", pid, "sh", nullptr);
        ::_exit(121);
      }
      int status = 0;
      sys::check(::waitpid(child, &status, 0), "wait");
      CHECK(WEXITSTATUS(status) == 2);
    }
  }
}
