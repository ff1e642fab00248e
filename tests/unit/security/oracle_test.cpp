// libseccomp compiles the same profile, and both programs are asked the same questions. Its
// compiler is far too slow for a start (16 to 27 ms), but it is an independent opinion.
#include "security/seccomp.hpp"
#include "security/syscalls.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace pausa;
using namespace pausa::security;

namespace {

constexpr KernelVersion kernel{6, 1};

std::uint32_t scmp_action(std::uint32_t verdict) {
  const std::uint32_t data = verdict & SECCOMP_RET_DATA;
  switch (verdict & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
      return SCMP_ACT_ALLOW;
    case SECCOMP_RET_ERRNO:
      return SCMP_ACT_ERRNO(data);
    case SECCOMP_RET_LOG:
      return SCMP_ACT_LOG;
    default:
      return SCMP_ACT_KILL_PROCESS;
  }
}

scmp_arg_cmp scmp_test(const ArgTest& test) {
  switch (test.compare) {
    case Compare::equal:
      return {test.index, SCMP_CMP_EQ, test.value, 0};
    case Compare::not_equal:
      return {test.index, SCMP_CMP_NE, test.value, 0};
    case Compare::less:
      return {test.index, SCMP_CMP_LT, test.value, 0};
    case Compare::less_equal:
      return {test.index, SCMP_CMP_LE, test.value, 0};
    case Compare::greater:
      return {test.index, SCMP_CMP_GT, test.value, 0};
    case Compare::greater_equal:
      return {test.index, SCMP_CMP_GE, test.value, 0};
    case Compare::masked_equal:
      return {test.index, SCMP_CMP_MASKED_EQ, test.value, test.value_two};
  }
  return {};
}

bool is_known(std::uint32_t arch, std::uint32_t number) {
  char* name = ::seccomp_syscall_resolve_num_arch(arch, static_cast<int>(number));
  ::free(name);
  return name != nullptr;
}

// One convention of a profile, as libseccomp makes it.
std::vector<sock_filter> oracle(const ProfileView& profile, const SyscallTable& table, CapSet caps,
                                std::uint32_t arch, const std::set<std::uint32_t>& without) {
  scmp_filter_ctx context = ::seccomp_init(scmp_action(profile.default_verdict));
  REQUIRE(context != nullptr);
  if (arch != ::seccomp_arch_native()) {
    REQUIRE(::seccomp_arch_add(context, arch) == 0);
    REQUIRE(::seccomp_arch_remove(context, SCMP_ARCH_NATIVE) == 0);
  }
  for (const SyscallRule& call : table.calls) {
    const Rule& rule = profile.rules[call.rule];
    if (without.contains(call.number) || !(rule.needs - caps).empty() ||
        !(rule.unless & caps).empty())
      continue;
    char* name = ::seccomp_syscall_resolve_num_arch(arch, static_cast<int>(call.number));
    if (name == nullptr) continue;
    const int number = ::seccomp_syscall_resolve_name(name);
    ::free(name);
    std::vector<scmp_arg_cmp> tests;
    for (std::uint32_t i = 0; i < rule.test_count; ++i)
      tests.push_back(scmp_test(profile.tests[rule.first_test + i]));
    const int rc = ::seccomp_rule_add_array(context, scmp_action(rule.verdict), number,
                                            static_cast<unsigned>(tests.size()), tests.data());
    // EACCES: the same as the default action. EEXIST: repeats a rule.
    REQUIRE_MESSAGE((rc == 0 || rc == -EACCES || rc == -EEXIST), call.number);
  }
  const sys::UniqueFd fd(::memfd_create("oracle", MFD_CLOEXEC));
  REQUIRE(::seccomp_export_bpf(context, fd.get()) == 0);
  ::seccomp_release(context);
  const off_t size = ::lseek(fd.get(), 0, SEEK_END);
  std::vector<sock_filter> program(static_cast<std::size_t>(size) / sizeof(sock_filter));
  REQUIRE(::pread(fd.get(), program.data(), static_cast<std::size_t>(size), 0) == size);
  return program;
}

constexpr std::uint64_t interesting[] = {0,
                                         1,
                                         2,
                                         8,
                                         9,
                                         17,
                                         37,
                                         38,
                                         0x5412,
                                         0x20000,
                                         0x20008,
                                         0x40000,
                                         0x02000000,
                                         0x04000000,
                                         0x08000000,
                                         0x10000000,
                                         0x20000000,
                                         0x40000000,
                                         0x7e020000,
                                         0x003d0f00,
                                         0x80000000,
                                         0xffffffff,
                                         0x100000000,
                                         0x110000000,
                                         0xffffffff80000000,
                                         0xffffffffffffffff};

}  // namespace

TEST_SUITE("security/unit") {
  TEST_CASE("libseccomp gives the same verdict on every call of the built-in profile") {
    const ProfileView profile = default_profile();
    for (const CapSet caps : {CapSet{}, default_caps, default_caps.with(CAP_SYS_ADMIN),
                              default_caps.with(CAP_SYS_PTRACE), all_known_caps}) {
      const Filter ours = compile(profile, caps, kernel);
      for (const SyscallTable& table : profile.tables) {
        const std::uint32_t arch = table.audit_arch;
        const Abi abi = arch == audit_arch(native_abi) ? native_abi : Abi::x86;
        if (abi != native_abi && native_abi != Abi::x86_64) continue;
        // Where rules overlap the order of the file decides with us, and nothing defined with
        // libseccomp; it also spreads a rule for sockets or IPC over x86's multiplexers.
        std::set<std::uint32_t> without;
        for (const char* name : {"ioctl", "socket", "personality", "socketcall", "ipc"})
          if (const auto number = syscall_number(abi, name)) without.insert(*number);
        const auto theirs = oracle(profile, table, caps, arch, without);
        std::size_t asked = 0;
        for (std::uint32_t number = 0; number < 480; ++number) {
          if (without.contains(number) || !is_known(arch, number)) continue;
          for (const std::uint64_t value : interesting) {
            const std::uint64_t args[] = {value, value, value, value, value, value};
            const std::uint32_t want = verdict(theirs, arch, number, args);
            const std::uint32_t got = verdict(ours.program, arch, number, args);
            ++asked;
            if (got != want) FAIL_CHECK("number " << number << " argument " << value);
          }
        }
        CHECK(asked > 300 * std::size(interesting));
      }
    }
  }

  TEST_CASE("libseccomp gives the same verdict on random profiles") {
    std::mt19937_64 random(20250101);  // always the same ones
    const auto pick = [&](std::uint64_t below) { return random() % below; };
    for (int round = 0; round < 60; ++round) {
      Profile profile;
      profile.default_verdict = SECCOMP_RET_ERRNO | ENOSYS;
      profile.calls.emplace_back();
      std::set<std::uint32_t> used;
      std::vector<std::uint64_t> values(std::begin(interesting), std::end(interesting));
      for (std::size_t calls = 5 + pick(60); calls > 0; --calls) {
        const auto number = static_cast<std::uint32_t>(pick(330));
        if (!is_known(SCMP_ARCH_NATIVE, number) || !used.insert(number).second) continue;
        // One rule a call: with several, libseccomp 2.5 may not come back from merging their trees.
        constexpr std::uint32_t verdicts[] = {SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO | EPERM,
                                              SECCOMP_RET_LOG, SECCOMP_RET_ERRNO | EINVAL};
        const std::uint32_t answer = verdicts[pick(4)];
        Rule rule;
        rule.verdict = answer;
        rule.first_test = static_cast<std::uint32_t>(profile.tests.size());
        for (std::uint8_t index = 0; index < 6; ++index) {
          if (pick(3) != 0) continue;
          ArgTest test{index, static_cast<Compare>(pick(7)), interesting[pick(26)], 0};
          if (test.compare == Compare::masked_equal) test.value_two = random() & test.value;
          // Always true or never: libseccomp need not take these.
          if (test.compare == Compare::masked_equal && test.value == 0) test.value = 1;
          values.insert(values.end(), {test.value, test.value + 1, test.value - 1, test.value_two,
                                       test.value_two | ~test.value});
          profile.tests.push_back(test);
          ++rule.test_count;
        }
        profile.calls[0].push_back({number, static_cast<std::uint32_t>(profile.rules.size())});
        profile.rules.push_back(rule);
      }
      std::ranges::stable_sort(profile.calls[0], {}, &SyscallRule::number);
      profile.tables.push_back({audit_arch(native_abi), false, profile.calls[0]});

      const Filter ours = compile(profile.view(), {}, kernel);
      const auto theirs =
          oracle(profile.view(), profile.tables[0], {}, ::seccomp_arch_native(), {});
      for (int question = 0; question < 3000; ++question) {
        auto number = static_cast<std::uint32_t>(pick(340));
        std::uint64_t args[6];
        for (std::uint64_t& arg : args) arg = values[pick(values.size())];
        // Mostly calls that have a rule, and often arguments that just fit or just miss it.
        if (pick(4) != 0) {
          const SyscallRule call = profile.calls[0][pick(profile.calls[0].size())];
          number = call.number;
          const Rule& rule = profile.rules[call.rule];
          for (std::uint32_t i = 0; i < rule.test_count; ++i) {
            const ArgTest& test = profile.tests[rule.first_test + i];
            const bool masked = test.compare == Compare::masked_equal;
            args[test.index] =
                masked ? test.value_two | (random() & ~test.value) : test.value + pick(3) - 1;
          }
        }
        const std::uint32_t arch = audit_arch(native_abi);
        const std::uint32_t want = verdict(theirs, arch, number, args);
        const std::uint32_t got = verdict(ours.program, arch, number, args);
        if (got != want) FAIL_CHECK("round " << round << " number " << number);
      }
    }
  }
}
