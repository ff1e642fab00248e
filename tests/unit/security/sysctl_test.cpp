#include "security/sysctl.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace pausa::security;

TEST_SUITE("security/unit") {
  TEST_CASE("a kernel parameter's name has plain parts between its separators") {
    for (const char* name : {"net.ipv4.tcp_rmem", "net/ipv4/conf/eth0.5/forwarding",
                             "kernel.shm_rmid_forced", "net.ipv4.conf.veth-a.rp_filter", "a"}) {
      CAPTURE(name);
      CHECK(sysctl_name_is_valid(name));
    }
    for (const char* name :
         {"", ".", "net..x", ".net", "net.", "net.x+kernel.y", "kernel/../net", "net. x", "Net.x",
          "net._x", "net.x_", "net.x\n", "../kernel/core_pattern", "/kernel.x"}) {
      CAPTURE(name);
      CHECK_FALSE(sysctl_name_is_valid(name));
    }
    CHECK(sysctl_name_is_valid(std::string(253, 'a')));
    CHECK_FALSE(sysctl_name_is_valid(std::string(254, 'a')));
    CHECK_FALSE(sysctl_name_is_valid(std::string_view("net.x\0y", 7)));
  }

  TEST_CASE("both spellings of a name are one parameter and one file") {
    CHECK(dotted_sysctl("net/ipv4/tcp_rmem") == "net.ipv4.tcp_rmem");
    CHECK(dotted_sysctl("net.ipv4.tcp_rmem") == "net.ipv4.tcp_rmem");
    CHECK(dotted_sysctl("net/ipv4/conf/eth0.5/x") == "net.ipv4.conf.eth0/5.x");
    CHECK(dotted_sysctl("net.ipv4.conf.eth0/5.x") == "net.ipv4.conf.eth0/5.x");
    CHECK(sysctl_path("net.ipv4.conf.eth0/5.x") == "net/ipv4/conf/eth0.5/x");
  }

  TEST_CASE("only what a namespace keeps apart has a scope") {
    CHECK(sysctl_scope("net.core.somaxconn") == SysctlScope::net);
    CHECK(sysctl_scope("kernel.shm_rmid_forced") == SysctlScope::ipc);
    CHECK(sysctl_scope("kernel.msgmax") == SysctlScope::ipc);
    CHECK(sysctl_scope("kernel.sem") == SysctlScope::ipc);
    CHECK(sysctl_scope("fs.mqueue.msg_max") == SysctlScope::ipc);
    for (const char* name : {"kernel.core_pattern", "kernel.semi", "vm.swappiness", "fs.file-max",
                             "network.x", "kernel.pid_max"}) {
      CAPTURE(name);
      CHECK(sysctl_scope(name) == SysctlScope::none);
    }
  }

  TEST_CASE("the safe ones are Kubernetes' list and no relatives of it") {
    CHECK(sysctl_is_safe("net.ipv4.ip_unprivileged_port_start"));
    CHECK(sysctl_is_safe("net.ipv4.tcp_wmem"));
    CHECK(sysctl_is_safe("kernel.shm_rmid_forced"));
    CHECK_FALSE(sysctl_is_safe("net.core.somaxconn"));
    CHECK_FALSE(sysctl_is_safe("net.ipv4.tcp_wmem.x"));
    CHECK_FALSE(sysctl_is_safe("kernel.msgmax"));
  }

  TEST_CASE("a pattern is a whole name, or a beginning that ends in a star") {
    CHECK(sysctl_matches("net.core.somaxconn", "net.core.*"));
    CHECK(sysctl_matches("net.core.somaxconn", "net.core.somaxconn"));
    CHECK_FALSE(sysctl_matches("net.core.somaxconn", "net.core"));
    CHECK_FALSE(sysctl_matches("kernel.msgmax", "net.*"));
  }
}
