#include "security/seccomp.hpp"

#include "security/syscalls.hpp"
#include "sys/error.hpp"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <vector>

using namespace pausa;
using namespace pausa::security;

namespace {

constexpr std::uint32_t allow = SECCOMP_RET_ALLOW;
constexpr std::uint32_t refuse = SECCOMP_RET_ERRNO | EPERM;
constexpr std::uint32_t absent = SECCOMP_RET_ERRNO | ENOSYS;
constexpr KernelVersion kernel{6, 1};

using Args = std::vector<std::uint64_t>;

// The answer of a program to a call by name, in one calling convention.
std::uint32_t answer(const Filter& filter, std::string_view name, const Args& args = {},
                     Abi abi = native_abi) {
  const auto number = syscall_number(abi, name);
  REQUIRE_MESSAGE(number, name);
  const std::uint32_t bit = abi == Abi::x32 ? 0x40000000 : 0;
  return verdict(filter.program, audit_arch(abi), *number | bit, args);
}

Filter built_in(CapSet caps) {
  return compile(default_profile(), caps, kernel);
}

Filter of(std::string_view json, CapSet caps = default_caps) {
  return compile(load_profile(json).view(), caps, kernel);
}

std::string refusal(std::string_view json) {
  try {
    (void)load_profile(json);
    return "";
  } catch (const sys::Error& error) {
    return error.what();
  }
}

std::string one_rule(const std::string& rest) {
  return R"({"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["ioctl"],)" + rest + "}]}";
}

}  // namespace

TEST_SUITE("security/unit") {
  TEST_CASE("what every program does is allowed under the built-in profile") {
    const Filter filter = built_in(default_caps);
    for (const char* name : {"read",      "write",        "openat",
                             "close",     "mmap",         "mprotect",
                             "brk",       "execve",       "exit_group",
                             "wait4",     "futex",        "socketpair",
                             "connect",   "epoll_pwait",  "rseq",
                             "statx",     "ptrace",       "chroot",
                             "getrandom", "memfd_create", "landlock_restrict_self",
                             "seccomp",   "prctl",        "setresuid",
                             "capset",    "pidfd_open",   "mseal",
                             "cachestat"}) {
      CAPTURE(name);
      CHECK(answer(filter, name) == allow);
    }
  }

  TEST_CASE("what is known and refused answers EPERM, what is unknown ENOSYS") {
    const Filter filter = built_in(default_caps);
    for (const char* name : {"mount",
                             "umount2",
                             "pivot_root",
                             "unshare",
                             "setns",
                             "fsopen",
                             "open_tree",
                             "move_mount",
                             "mount_setattr",
                             "keyctl",
                             "add_key",
                             "request_key",
                             "bpf",
                             "perf_event_open",
                             "userfaultfd",
                             "io_uring_setup",
                             "io_uring_enter",
                             "io_uring_register",
                             "open_by_handle_at",
                             "reboot",
                             "kexec_load",
                             "init_module",
                             "finit_module",
                             "delete_module",
                             "swapon",
                             "acct",
                             "settimeofday",
                             "clock_settime",
                             "sethostname",
                             "pidfd_getfd",
                             "kcmp",
                             "mbind",
                             "syslog",
                             "quotactl",
                             "vhangup"}) {
      CAPTURE(name);
      CHECK(answer(filter, name) == refuse);
    }
    CHECK(answer(filter, "clone3") == absent);
    for (const std::uint32_t number : {400u, 500u, 600u, 1000u, 0x3fffffffu, 0xffffffffu}) {
      CAPTURE(number);
      CHECK(verdict(filter.program, audit_arch(native_abi), number) == absent);
    }
  }

  TEST_CASE("a capability opens its calls and no others") {
    const auto opened = [](unsigned cap) {
      const Filter before = built_in(default_caps);
      const Filter after = built_in(default_caps.with(cap));
      std::set<std::string> names;
      for (const char* name : {"reboot", "init_module", "acct", "vhangup", "bpf", "mount", "kcmp",
                               "perf_event_open", "open_by_handle_at", "settimeofday", "mbind",
                               "clone3", "keyctl", "io_uring_setup", "syslog", "kexec_load"})
        if (answer(before, name) != answer(after, name)) {
          CHECK(answer(after, name) == allow);
          names.insert(name);
        }
      return names;
    };
    using Names = std::set<std::string>;
    CHECK(opened(CAP_SYS_BOOT) == Names{"reboot"});
    CHECK(opened(CAP_SYS_MODULE) == Names{"init_module"});
    CHECK(opened(CAP_SYS_PACCT) == Names{"acct"});
    CHECK(opened(CAP_SYS_TTY_CONFIG) == Names{"vhangup"});
    CHECK(opened(CAP_BPF) == Names{"bpf"});
    CHECK(opened(CAP_PERFMON) == Names{"perf_event_open"});
    CHECK(opened(CAP_DAC_READ_SEARCH) == Names{"open_by_handle_at"});
    CHECK(opened(CAP_SYS_TIME) == Names{"settimeofday"});
    CHECK(opened(CAP_SYS_NICE) == Names{"mbind"});
    CHECK(opened(CAP_SYS_PTRACE) == Names{"kcmp"});
    CHECK(opened(CAP_SYSLOG) == Names{"syslog"});
    CHECK(opened(CAP_NET_ADMIN) == Names{});
    CHECK(opened(CAP_SYS_ADMIN) ==
          Names{"bpf", "mount", "perf_event_open", "clone3", "keyctl", "io_uring_setup", "syslog"});
  }

  TEST_CASE("chroot goes with its capability") {
    CHECK(answer(built_in(default_caps.without(CAP_SYS_CHROOT)), "chroot") == refuse);
  }

  TEST_CASE("clone makes no namespace, whatever other flags are set") {
    const Filter filter = built_in(default_caps);
    CHECK(answer(filter, "clone", {17}) == allow);
    CHECK(answer(filter, "clone", {0x003d0f00}) == allow);  // as pthread_create asks
    for (const std::uint64_t flag :
         {0x20000u, 0x02000000u, 0x04000000u, 0x08000000u, 0x10000000u, 0x20000000u, 0x40000000u}) {
      CAPTURE(flag);
      CHECK(answer(filter, "clone", {flag}) == refuse);
      CHECK(answer(filter, "clone", {flag | 17 | 0x003d0f00}) == refuse);
      CHECK(answer(filter, "clone", {flag | std::uint64_t{1} << 32}) == refuse);
      CHECK(answer(built_in(default_caps.with(CAP_SYS_ADMIN)), "clone", {flag}) == allow);
    }
  }

  TEST_CASE("the terminal cannot be typed into, also not past the 32 bits the kernel looks at") {
    const Filter filter = built_in(all_known_caps);
    for (const std::uint64_t request : {0x5412u, 0x541cu})
      for (const std::uint64_t high :
           {std::uint64_t{0}, std::uint64_t{1} << 32, std::uint64_t{0xffffffff} << 32}) {
        CAPTURE(request);
        CHECK(answer(filter, "ioctl", {0, request | high}) == refuse);
      }
    for (const std::uint64_t request :
         {std::uint64_t{0x5401}, std::uint64_t{0x5413}, std::uint64_t{0xffffffff80045430},
          std::uint64_t{0x541cu} << 32})
      CHECK(answer(filter, "ioctl", {0, request}) == allow);
  }

  TEST_CASE("sockets of the kernel's crypto and of the hypervisor are refused") {
    const Filter filter = built_in(all_known_caps);
    for (const std::uint64_t family : {38u, 40u}) {
      CHECK(answer(filter, "socket", {family, 5}) == refuse);
      CHECK(answer(filter, "socket", {family | std::uint64_t{1} << 32, 5}) == refuse);
    }
    for (const std::uint64_t family : {0u, 1u, 2u, 10u, 16u, 17u, 37u, 39u, 41u, 44u})
      CHECK(answer(filter, "socket", {family, 1}) == allow);
  }

  TEST_CASE("personality may be asked for and set to what does not weaken the process") {
    const Filter filter = built_in(default_caps);
    for (const std::uint64_t persona : {0u, 8u, 0x20000u, 0x20008u, 0xffffffffu})
      CHECK(answer(filter, "personality", {persona}) == allow);
    for (const std::uint64_t persona : {0x40000u, 0x0400000u, 0x100000u, 1u, 9u, 0x8000000u})
      CHECK(answer(filter, "personality", {persona}) == refuse);
  }

  TEST_CASE("a convention that the profile does not name is deadly") {
    const Filter filter = built_in(all_known_caps);
    CHECK(verdict(filter.program, AUDIT_ARCH_S390X, 1) == SECCOMP_RET_KILL_PROCESS);
    CHECK(verdict(filter.program, 0, 1) == SECCOMP_RET_KILL_PROCESS);
  }

#if defined(__x86_64__)
  TEST_CASE("the 32-bit conventions are held to the same rules") {
    const Filter filter = built_in(default_caps);
    for (const Abi abi : {Abi::x86, Abi::x32}) {
      CHECK(answer(filter, "read", {}, abi) == allow);
      CHECK(answer(filter, "execve", {}, abi) == allow);
      CHECK(answer(filter, "rt_sigaction", {}, abi) == allow);
      CHECK(answer(filter, "mount", {}, abi) == refuse);
      CHECK(answer(filter, "kexec_load", {}, abi) == refuse);
      CHECK(answer(filter, "clone", {0x10000000}, abi) == refuse);
      CHECK(answer(filter, "clone", {17}, abi) == allow);
      CHECK(answer(filter, "socket", {38}, abi) == refuse);
      CHECK(answer(filter, "ioctl", {0, 0x5412}, abi) == refuse);
      CHECK(answer(filter, "ioctl", {0, 0x5401}, abi) == allow);
    }
    // Its arguments are in memory, where no filter sees the family.
    CHECK(answer(filter, "socketcall", {1}, Abi::x86) == refuse);
    CHECK(answer(filter, "vm86", {}, Abi::x86) == refuse);
    CHECK(answer(filter, "waitpid", {}, Abi::x86) == allow);
  }

  TEST_CASE("x32 calls are deadly under a profile that does not name x32") {
    const Filter filter = of(R"({"defaultAction":"SCMP_ACT_ALLOW"})");
    CHECK(verdict(filter.program, AUDIT_ARCH_X86_64, 0) == allow);
    CHECK(verdict(filter.program, AUDIT_ARCH_X86_64, 0x40000000) == SECCOMP_RET_KILL_PROCESS);
    CHECK(verdict(filter.program, AUDIT_ARCH_I386, 3) == SECCOMP_RET_KILL_PROCESS);
  }
#endif

  TEST_CASE("the built-in tables say what data/seccomp.json says") {
    std::ifstream in(PAUSA_SOURCE_DIR "/data/seccomp.json");
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const Profile parsed = load_profile(text);
    for (const CapSet caps : {CapSet{}, default_caps, all_known_caps}) {
      const Filter ours = built_in(caps);
      const Filter theirs = compile(parsed.view(), caps, kernel);
      CHECK(ours.flags == theirs.flags);
      REQUIRE(ours.program.size() == theirs.program.size());
      for (std::size_t i = 0; i < ours.program.size(); ++i) {
        CHECK(ours.program[i].code == theirs.program[i].code);
        CHECK(ours.program[i].k == theirs.program[i].k);
      }
    }
  }

  TEST_CASE("the built-in filter is short, since its length is what loading costs") {
    CHECK(built_in(default_caps).program.size() <= 250);
    CHECK(built_in(CapSet{}).program.size() <= 250);
  }

  TEST_CASE("the first rule that fits decides, in the order of the file") {
    const Filter filter = of(one_rule(
        R"("action":"SCMP_ACT_ERRNO","errnoRet":5,"args":[{"index":1,"value":7,"op":"SCMP_CMP_EQ"}]},
           {"names":["ioctl"],"action":"SCMP_ACT_ALLOW"},
           {"names":["ioctl"],"action":"SCMP_ACT_KILL_PROCESS")"));
    CHECK(answer(filter, "ioctl", {0, 7}) == (SECCOMP_RET_ERRNO | 5));
    CHECK(answer(filter, "ioctl", {0, 8}) == allow);
    CHECK(answer(filter, "read") == refuse);
  }

  TEST_CASE("several tests of one argument are alternatives, of different ones a conjunction") {
    const Filter either = of(one_rule(
        R"("action":"SCMP_ACT_ALLOW","args":[{"index":1,"value":7,"op":"SCMP_CMP_EQ"},
           {"index":1,"value":9,"op":"SCMP_CMP_EQ"}])"));
    CHECK(answer(either, "ioctl", {0, 7}) == allow);
    CHECK(answer(either, "ioctl", {0, 9}) == allow);
    CHECK(answer(either, "ioctl", {0, 8}) == refuse);
    const Filter both = of(one_rule(
        R"("action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":7,"op":"SCMP_CMP_EQ"},
           {"index":1,"value":9,"op":"SCMP_CMP_EQ"}])"));
    CHECK(answer(both, "ioctl", {7, 9}) == allow);
    CHECK(answer(both, "ioctl", {7, 7}) == refuse);
    CHECK(answer(both, "ioctl", {9, 9}) == refuse);
  }

  TEST_CASE("each comparison holds on all 64 bits") {
    constexpr std::uint64_t big = 0x0000000580000000;
    const auto holds = [](const std::string& op, std::uint64_t value, std::uint64_t argument,
                          std::uint64_t two = 0) {
      const Filter filter = of(one_rule(
          R"("action":"SCMP_ACT_ALLOW","args":[{"index":5,"value":)" + std::to_string(value) +
          R"(,"valueTwo":)" + std::to_string(two) + R"(,"op":"SCMP_CMP_)" + op + R"("}])"));
      return answer(filter, "ioctl", {0, 0, 0, 0, 0, argument}) == allow;
    };
    for (const std::uint64_t argument :
         {std::uint64_t{0}, big - 1, big, big + 1, big & 0xffffffff, big + (std::uint64_t{1} << 32),
          big - (std::uint64_t{1} << 32), ~std::uint64_t{0}}) {
      CAPTURE(argument);
      CHECK(holds("EQ", big, argument) == (argument == big));
      CHECK(holds("NE", big, argument) == (argument != big));
      CHECK(holds("LT", big, argument) == (argument < big));
      CHECK(holds("LE", big, argument) == (argument <= big));
      CHECK(holds("GT", big, argument) == (argument > big));
      CHECK(holds("GE", big, argument) == (argument >= big));
      CHECK(holds("GE", 0, argument));
      CHECK_FALSE(holds("LT", 0, argument));
      CHECK(holds("MASKED_EQ", 0x100000002, argument, 0x100000000) ==
            ((argument & 0x100000002) == 0x100000000));
      CHECK_FALSE(holds("MASKED_EQ", 2, argument, 1));
    }
  }

  TEST_CASE("conditions on capabilities, architecture and kernel select a rule") {
    const auto allowed = [](const std::string& conditions, CapSet caps = default_caps) {
      return answer(of(one_rule(R"("action":"SCMP_ACT_ALLOW",)" + conditions), caps), "ioctl") ==
             allow;
    };
    CHECK(allowed(R"("includes":{"caps":["CAP_CHOWN"]})"));
    CHECK_FALSE(allowed(R"("includes":{"caps":["CAP_CHOWN","CAP_SYS_ADMIN"]})"));
    CHECK_FALSE(allowed(R"("excludes":{"caps":["CAP_SYS_ADMIN","CAP_CHOWN"]})"));
    CHECK(allowed(R"("excludes":{"caps":["CAP_SYS_ADMIN"]})"));
    CHECK(allowed(R"("includes":{"arches":[")" + std::string(native_arch) + R"(","s390x"]})"));
    CHECK_FALSE(allowed(R"("includes":{"arches":["s390x"]})"));
    CHECK_FALSE(allowed(R"("excludes":{"arches":[")" + std::string(native_arch) + R"("]})"));
    CHECK(allowed(R"("includes":{"minKernel":"6.1"})"));
    CHECK_FALSE(allowed(R"("includes":{"minKernel":"6.2"})"));
    CHECK(allowed(R"("includes":{"minKernel":"5.100"})"));
    CHECK_FALSE(allowed(R"("excludes":{"minKernel":"6.0"})"));
    CHECK(allowed(R"("excludes":{"minKernel":"6.2"})"));
  }

  TEST_CASE("every action of the format has its verdict") {
    const auto action = [](const std::string& rest) {
      return answer(of(one_rule(R"("action":)" + rest)), "ioctl");
    };
    CHECK(action(R"("SCMP_ACT_ERRNO")") == refuse);
    CHECK(action(R"("SCMP_ACT_ERRNO","errnoRet":38)") == absent);
    CHECK(action(R"("SCMP_ACT_ERRNO","errnoRet":1,"errno":"ENOSYS")") == absent);
    CHECK(action(R"("SCMP_ACT_ERRNO","errnoRet":0)") == SECCOMP_RET_ERRNO);
    CHECK(action(R"("SCMP_ACT_LOG")") == SECCOMP_RET_LOG);
    CHECK(action(R"("SCMP_ACT_TRAP")") == SECCOMP_RET_TRAP);
    CHECK(action(R"("SCMP_ACT_KILL")") == SECCOMP_RET_KILL_THREAD);
    CHECK(action(R"("SCMP_ACT_KILL_PROCESS")") == SECCOMP_RET_KILL_PROCESS);
    CHECK(action(R"("SCMP_ACT_TRACE","errnoRet":9)") == (SECCOMP_RET_TRACE | 9));
  }

  TEST_CASE("names that no kernel has are left out, as the format wants") {
    const Filter filter = of(
        R"({"defaultAction":"SCMP_ACT_ERRNO","syscalls":[
            {"names":["no_such_call","read"],"action":"SCMP_ACT_ALLOW"},
            {"name":"write","action":"SCMP_ACT_ALLOW"}]})");
    CHECK(answer(filter, "read") == allow);
    CHECK(answer(filter, "write") == allow);
    CHECK(answer(filter, "close") == refuse);
  }

  TEST_CASE("a faulty profile is refused with the place of the fault") {
    CHECK(refusal("") != "");
    CHECK(refusal("{") != "");
    CHECK(refusal("[]").find("the document: must be an object") != std::string::npos);
    CHECK(refusal("{}").find("defaultAction: Required value") != std::string::npos);
    CHECK(refusal(R"({"defaultAction":"ALLOW"})").find("unknown action") != std::string::npos);
    CHECK(refusal(R"({"defaultAction":"SCMP_ACT_NOTIFY"})").find("listener") != std::string::npos);
    CHECK(refusal(R"({"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"/x"})") != "");
    CHECK(refusal(R"({"defaultAction":"SCMP_ACT_ALLOW","flags":["X"]})").find("flags[0]") !=
          std::string::npos);
    CHECK(refusal(one_rule(R"("action":"SCMP_ACT_ALLOW","args":[{"index":6,"value":0,
        "op":"SCMP_CMP_EQ"}])"))
              .find("syscalls[0].args[0].index: must be between 0 and 5") != std::string::npos);
    CHECK(refusal(one_rule(R"("action":"SCMP_ACT_ALLOW","args":[{"index":1,"op":"SCMP_CMP_EQ"}])"))
              .find("syscalls[0].args[0].value: Required value") != std::string::npos);
    CHECK(refusal(one_rule(R"("action":"SCMP_ACT_ALLOW","args":[{"index":1,"value":-1,
        "op":"SCMP_CMP_EQ"}])")) != "");
    CHECK(refusal(one_rule(R"("action":"SCMP_ACT_ALLOW","args":{})")).find("must be a list") !=
          std::string::npos);
    CHECK(refusal(one_rule(R"("action":"SCMP_ACT_ERRNO","errnoRet":5000)")) != "");
    CHECK(refusal(one_rule(R"("action":"SCMP_ACT_ERRNO","errno":"ENOPE")")) != "");
    CHECK(refusal(one_rule(R"("action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_NOPE"]})"))
              .find("includes.caps[0]") != std::string::npos);
    CHECK(refusal(one_rule(R"("action":"SCMP_ACT_ALLOW","includes":{"minKernel":"six"})")) != "");
    CHECK(refusal(std::string(1000, '[')) != "");
  }

  TEST_CASE("a profile that stops the launch after it is loaded is found beforehand") {
    CHECK(refused_after_filter(built_in(default_caps).program, false).empty());
    CHECK(refused_after_filter(built_in(CapSet{}).program, false).empty());
    const Filter strict = of(
        R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[
            {"names":["setresuid","capset"],"action":"SCMP_ACT_ERRNO"}]})");
    CHECK(refused_after_filter(strict.program, false) ==
          std::vector<std::string>{"capset", "setresuid"});
    CHECK(refused_after_filter(strict.program, true).empty());
    const Filter closed = of(R"({"defaultAction":"SCMP_ACT_ERRNO"})");
    CHECK(refused_after_filter(closed.program, true) ==
          std::vector<std::string>{"execve", "exit_group"});
  }

  TEST_CASE("programs longer than a conditional jump reaches keep their meaning") {
    // A rule a call, each with tests of its own: thousands of instructions apart.
    std::string json = R"({"defaultAction":"SCMP_ACT_ERRNO","syscalls":[)";
    std::vector<std::string> names;
    for (std::uint32_t number = 0; number < 320; ++number) {
      for (const char* name :
           {"read",     "write",  "openat", "close",  "fstat",  "lseek",  "mmap",
            "mprotect", "munmap", "brk",    "ioctl",  "dup",    "getpid", "socket",
            "connect",  "accept", "bind",   "listen", "clone",  "execve", "exit",
            "kill",     "uname",  "fcntl",  "flock",  "fsync",  "getcwd", "chdir",
            "umask",    "getuid", "setuid", "ptrace", "capget", "capset"})
        if (syscall_number(native_abi, name) == number) names.emplace_back(name);
    }
    std::uint32_t err = 100;
    for (const std::string& name : names) {
      json += R"({"names":[")" + name + R"("],"action":"SCMP_ACT_ERRNO","errnoRet":)" +
              std::to_string(err++) + R"(,"args":[)";
      for (int index = 0; index < 6; ++index)
        json += (index != 0 ? "," : "") + std::string(R"({"index":)") + std::to_string(index) +
                R"(,"value":)" + std::to_string(index + 10) + R"(,"op":"SCMP_CMP_EQ"})";
      json +=
          R"(]},{"names":[")" + name +
          R"("],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":99,"op":"SCMP_CMP_GT"}]},)";
    }
    json += R"({"names":["gettid"],"action":"SCMP_ACT_LOG"}]})";
    const Filter filter = of(json);
    REQUIRE(filter.program.size() > 600);
    err = 100;
    for (const std::string& name : names) {
      CAPTURE(name);
      CHECK(answer(filter, name, {10, 11, 12, 13, 14, 15}) == (SECCOMP_RET_ERRNO | err++));
      CHECK(answer(filter, name, {10, 11, 12, 13, 14, 16}) == refuse);
      CHECK(answer(filter, name, {100}) == allow);
    }
    CHECK(answer(filter, "gettid") == SECCOMP_RET_LOG);
  }
}
