// Tests of what the kernel is told, in a network namespace of their own: looked at with ip(8) and
// nft(8).
#pragma once

#include "net/bridge.hpp"
#include "support/temp_tree.hpp"
#include "sys/error.hpp"

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <cstdio>
#include <functional>
#include <string>

namespace pausa::test {

// Runs the work in a child with a network of its own; CHECKs count there, too.
inline void in_own_network(const std::function<void()>& work) {
  if (::geteuid() != 0) {
    MESSAGE("skipped: needs root");
    return;
  }
  const pid_t child = ::fork();
  if (child == 0) {
    if (::unshare(CLONE_NEWNET) < 0) ::_exit(3);
    try {
      work();
      ::_exit(0);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
      ::_exit(1);
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

inline void must(bool holds, const std::string& claim) {
  if (!holds) throw sys::Error("not so: " + claim);
}

inline std::string output_of(const std::string& command) {
  std::FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  std::string text;
  for (int c; (c = std::fgetc(pipe)) != EOF;) text += static_cast<char>(c);
  (void)::pclose(pipe);
  return text;
}

inline bool says(const std::string& command, const std::string& word) {
  const auto text = output_of(command);
  if (text.find(word) != std::string::npos) return true;
  std::fprintf(stderr, "%s: no \"%s\" in:\n%s\n", command.c_str(), word.c_str(), text.c_str());
  return false;
}

inline net::BridgeConfig config_in(const TempTree& tree) {
  net::BridgeConfig config;
  config.folder = tree.path() + "/network";
  return config;
}

}  // namespace pausa::test
