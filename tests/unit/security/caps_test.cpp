#include "security/caps.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <string>
#include <vector>

using namespace pausa::security;

namespace {

using Words = std::vector<std::string>;

CapDecision decide(const Words& add, const Words& drop, CapSet host = all_known_caps) {
  return effective_caps(add, drop, false, host);
}

}  // namespace

TEST_SUITE("security/unit") {
  TEST_CASE("a container that asks for nothing has the eleven default capabilities") {
    const CapSet set = decide({}, {}).set;
    CHECK(set.bits == 0x800405fb);
    CHECK(cap_names(set) == Words{"CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID",
                                  "SETUID", "SETPCAP", "NET_BIND_SERVICE", "SYS_CHROOT",
                                  "SETFCAP"});
  }

  TEST_CASE("every capability has a name, and the name leads back to its number") {
    for (unsigned cap = 0; cap <= last_known_cap; ++cap) {
      const std::string name(cap_name(cap));
      CAPTURE(name);
      CHECK(cap_number(name) == cap);
      CHECK(cap_number("CAP_" + name) == cap);
    }
    CHECK(cap_name(last_known_cap + 1).empty());
  }

  TEST_CASE("names are told apart by case, and no word is guessed at") {
    for (const char* word : {"net_admin", "cap_net_admin", "CAP_", "", "SYS_ADMINS", "ALL",
                             "CAP_CAP_CHOWN", " CHOWN"}) {
      CAPTURE(word);
      CHECK_FALSE(cap_number(word));
    }
  }

  TEST_CASE("the numbers are those of the C library's header") {
    CHECK(cap_number("CHOWN") == CAP_CHOWN);
    CHECK(cap_number("NET_RAW") == CAP_NET_RAW);
    CHECK(cap_number("SYS_PTRACE") == CAP_SYS_PTRACE);
    CHECK(cap_number("MAC_ADMIN") == CAP_MAC_ADMIN);
    CHECK(cap_number("PERFMON") == CAP_PERFMON);
    CHECK(cap_number("CHECKPOINT_RESTORE") == CAP_CHECKPOINT_RESTORE);
  }

  TEST_CASE("adding and dropping start from the default set") {
    CHECK(decide({"NET_RAW"}, {"CAP_KILL"}).set ==
          default_caps.with(CAP_NET_RAW).without(CAP_KILL));
  }

  TEST_CASE("dropping ALL leaves exactly what is added") {
    CHECK(decide({}, {"ALL"}).set.empty());
    CHECK(decide({"NET_BIND_SERVICE"}, {"ALL"}).set == CapSet{}.with(CAP_NET_BIND_SERVICE));
  }

  TEST_CASE("adding ALL leaves everything but what is dropped") {
    CHECK(decide({"ALL"}, {}).set == all_known_caps);
    CHECK(decide({"ALL"}, {"SYS_ADMIN"}).set == all_known_caps.without(CAP_SYS_ADMIN));
  }

  TEST_CASE("dropping ALL wins over adding ALL, and dropping one over adding it") {
    CHECK(decide({"ALL", "CHOWN"}, {"ALL"}).set == CapSet{}.with(CAP_CHOWN));
    const CapDecision both = decide({"NET_RAW"}, {"NET_RAW"});
    CHECK(both.set == default_caps);
    CHECK(both.unavailable.empty());
  }

  TEST_CASE("what the host lacks is neither given nor passed over in silence") {
    const CapSet host = all_known_caps.without(CAP_SYS_RESOURCE);
    const CapDecision asked = decide({"SYS_RESOURCE", "NET_RAW"}, {}, host);
    CHECK(asked.set == default_caps.with(CAP_NET_RAW));
    CHECK(asked.unavailable == CapSet{}.with(CAP_SYS_RESOURCE));
    const CapDecision all = decide({"ALL"}, {}, host);
    CHECK(all.set == host);
    CHECK(all.unavailable.empty());
    CHECK(decide({}, {}, CapSet{}.with(CAP_CHOWN)).set == CapSet{}.with(CAP_CHOWN));
  }

  TEST_CASE("unknown words are handed back as written, from both lists") {
    CHECK(decide({"SYS_ADMINS", "CHOWN"}, {"kill"}).unknown == Words{"SYS_ADMINS", "kill"});
  }

  TEST_CASE("a privileged container has what the host has, whatever it lists") {
    const Words drop{"ALL"};
    CHECK(effective_caps({}, drop, true, all_known_caps.without(CAP_BPF)).set ==
          all_known_caps.without(CAP_BPF));
  }

  TEST_CASE("the host's capabilities are those of our bounding set") {
    std::ifstream status("/proc/self/status");
    std::string line;
    while (std::getline(status, line) && !line.starts_with("CapBnd:")) {}
    REQUIRE(line.starts_with("CapBnd:"));
    CHECK(host_caps().bits == std::stoull(line.substr(7), nullptr, 16));
  }
}
