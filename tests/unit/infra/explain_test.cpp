#include "infra/sandbox.hpp"

#include <doctest/doctest.h>

using namespace pausa;

TEST_SUITE("infra/unit") {
  TEST_CASE("the explanation tells what this request does, in the order of doing") {
    infra::SandboxRequest request;
    request.hostname = "web";
    request.new_ipc = false;
    request.tmpfs.push_back({"shm", "size=64m", true});
    request.files.emplace_back("etc/hosts", "127.0.0.1 localhost\n");
    const std::string text = infra::explain(request);
    std::size_t at = 0;
    for (const char* part :
         {"CLONE_NEWPID", "hostname web", "ip link set lo up", "fsopen",
          "noexec,size=64m tmpfs $ROOT/tmpfs/shm", "etc/hosts", "pivot_root", "execveat"}) {
      CAPTURE(part);
      at = text.find(part, at);
      CHECK(at != std::string::npos);
    }
    CHECK(text.find("CLONE_NEWIPC") == std::string::npos);
    CHECK(text.find("CLONE_NEWUSER") == std::string::npos);
    CHECK(text.find("uid_map") == std::string::npos);
  }

  TEST_CASE("what the host lends is not explained as made") {
    infra::SandboxRequest request;
    request.new_net = false;
    request.map_users = [](pid_t) {};
    const std::string text = infra::explain(request);
    CHECK(text.find("loopback") == std::string::npos);
    CHECK(text.find("CLONE_NEWUSER") != std::string::npos);
    CHECK(text.find("uid_map") != std::string::npos);
  }
}
