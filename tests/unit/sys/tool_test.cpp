#include "sys/tool.hpp"

#include "support/temp_tree.hpp"
#include "sys/error.hpp"
#include "sys/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>

using namespace pausa;

namespace {

sys::ToolRequest shell(const std::string& text) {
  sys::ToolRequest request;
  request.program = "/bin/sh";
  request.arguments = {"sh", "-c", text};
  request.hear_output = true;
  return request;
}

}  // namespace

TEST_SUITE("sys/tool") {
  TEST_CASE("it says what it prints and how it ends") {
    const auto result = sys::Tool(shell("echo out; echo err >&2; exit 3")).wait();
    CHECK(result.code == 3);
    CHECK(result.output == "out\n");
    CHECK(result.errors == "err\n");
    CHECK(sys::Tool(shell("kill -9 $$")).wait().code == 137);
  }

  TEST_CASE("it has the environment and the descriptors that it is given, and nothing else") {
    auto request = shell("echo $A $HOME; cat <&7; ls /proc/self/fd | wc -l");
    request.environment = {"A=b", "PATH=/usr/bin:/bin"};
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const sys::UniqueFd reading(ends[0]);
    REQUIRE(::write(ends[1], "given\n", 6) == 6);
    (void)::close(ends[1]);
    request.descriptors = {{reading.get(), 7}};
    const int leaked = ::fcntl(reading.get(), F_DUPFD_CLOEXEC, 20);
    // 0, 1, 2, 7 and the folder that is listed.
    CHECK(sys::Tool(request).wait().output == "b\ngiven\n5\n");
    (void)::close(leaked);
  }

  TEST_CASE("what we block and ignore, it does not") {
    sigset_t term, before;
    (void)::sigemptyset(&term);
    (void)::sigaddset(&term, SIGTERM);
    (void)::sigprocmask(SIG_BLOCK, &term, &before);
    (void)::signal(SIGPIPE, SIG_IGN);
    const auto result = sys::Tool(shell("grep -E 'SigBlk|SigIgn' /proc/self/status")).wait();
    (void)::signal(SIGPIPE, SIG_DFL);
    sigset_t after;
    (void)::sigprocmask(SIG_SETMASK, &before, &after);
    CHECK(result.output == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
    CHECK(::sigismember(&after, SIGTERM) == 1);
  }

  TEST_CASE("a program that is not there is told with its name") {
    sys::ToolRequest request;
    request.program = "/no/such";
    request.arguments = {"such"};
    try {
      const sys::Tool tool(request);
      FAIL("it runs");
    } catch (const sys::Error& error) {
      CHECK(error.code().value() == ENOENT);
      CHECK(std::string(error.what()).find("execute /no/such") != std::string::npos);
    }
  }

  TEST_CASE("it dies with who runs it") {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const sys::UniqueFd reading(ends[0]);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      auto request = shell("echo $$ >&7; exec sleep 1000");
      request.descriptors = {{ends[1], 7}};
      const sys::Tool tool(request);
      (void)::pause();
      ::_exit(0);
    }
    (void)::close(ends[1]);
    char text[16] = {};
    REQUIRE(::read(reading.get(), text, sizeof text - 1) > 0);
    const auto process = sys::open_pidfd(std::atoi(text));
    (void)::kill(child, SIGKILL);
    (void)::waitpid(child, nullptr, 0);
    CHECK(sys::wait_dead(process.get(), std::chrono::seconds(10)));
  }

  // As every program is for a moment after its start.
  TEST_CASE("who may not see what it does waits as long for it" * doctest::skip(::geteuid() != 0)) {
    const test::TempTree tree;
    REQUIRE(::chmod(tree.path().c_str(), 0755) == 0);
    const std::string program = tree.path() + "/sh";
    std::filesystem::copy_file("/bin/sh", program);
    REQUIRE(::chmod(program.c_str(), 0111) == 0);
    constexpr uid_t nobody = 65534;
    constexpr int stalled = 99;
    const auto ends = [&program](const char* text) {
      return test::as_user(nobody, [&program, text] {
        auto request = shell(text);
        request.program = program;
        try {
          return sys::Tool(request).wait(1).code;
        } catch (const sys::Stalled&) {
          return stalled;
        }
      });
    };
    CHECK(ends("exit 3") == 3);
    CHECK(ends("exec sleep 60") == stalled);
  }
}
