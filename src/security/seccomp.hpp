// System call filters: a profile says what is allowed (the JSON format of containers-common and of
// the OCI runtime specification), compile() makes the BPF program of it that a member loads.
//
// The rules of one system call are tried in the order of the file, and the first whose
// capabilities, kernel and argument tests fit decides; without one, the default action holds.
// The built-in profile (data/seccomp.json) is turned into tables when pausa is built: at start no
// JSON is parsed and libseccomp's compiler never runs. It carries SECCOMP_FILTER_FLAG_SPEC_ALLOW,
// which is the kernel's own default since Linux 5.16: without it 5.14 and 5.15 would slow every
// program down by the speculation mitigations of prctl(2). Not for child zones; the program itself
// is plain data and is loaded there (security/apply.hpp).
#pragma once

#include "security/caps.hpp"

#include <linux/filter.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pausa::security {

// ---- a profile as tables ----

enum class Compare : std::uint8_t {
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  masked_equal,  // (argument & value) == value_two
};

struct ArgTest {
  std::uint8_t index;  // 0 to 5
  Compare compare;
  std::uint64_t value;
  std::uint64_t value_two;
};

struct KernelVersion {
  std::uint16_t major = 0;
  std::uint16_t minor = 0;
  friend constexpr bool operator==(KernelVersion, KernelVersion) = default;
  friend constexpr bool operator<(KernelVersion a, KernelVersion b) noexcept {
    return a.major != b.major ? a.major < b.major : a.minor < b.minor;
  }
};

struct Rule {
  std::uint32_t verdict = 0;  // SECCOMP_RET_* with its data
  CapSet needs;               // the rule counts when all of these are held,
  CapSet unless;              // and none of these,
  KernelVersion since;        // and the kernel is at least this one,
  KernelVersion until;        // and older than this one, unless 0.0
  std::uint32_t first_test = 0;
  std::uint32_t test_count = 0;  // all must hold
};

struct SyscallRule {
  std::uint32_t number;
  std::uint32_t rule;  // index into rules
};

// One table an architecture. On x86-64 the x32 calls have no table of their own: their numbers are
// those of x86-64 with one more bit, except for a few above 511, which x86-64 leaves free.
struct SyscallTable {
  std::uint32_t audit_arch;            // AUDIT_ARCH_*
  bool x32 = false;                    // calls with the x32 bit are looked up too, without it
  std::span<const SyscallRule> calls;  // by number, then in the order of the file
};

struct ProfileView {
  std::uint32_t default_verdict;
  std::uint32_t flags;  // SECCOMP_FILTER_FLAG_*
  std::span<const SyscallTable> tables;
  std::span<const Rule> rules;
  std::span<const ArgTest> tests;
};

// The same with its memory. Movable, not copyable: the tables point into it.
class Profile {
 public:
  Profile() = default;
  Profile(Profile&&) = default;
  Profile& operator=(Profile&&) = default;

  ProfileView view() const { return {default_verdict, flags, tables, rules, tests}; }

  std::uint32_t default_verdict = 0;
  std::uint32_t flags = 0;
  std::vector<SyscallTable> tables;
  std::vector<std::vector<SyscallRule>> calls;  // what the tables point to
  std::vector<Rule> rules;
  std::vector<ArgTest> tests;
};

// Reads a profile for this machine's architecture. Names that no kernel of it knows are left out,
// as the format wants. Throws sys::Error with the place in the document.
Profile load_profile(std::string_view json);

// What a container runs under unless its manifest says otherwise (seccompProfile: RuntimeDefault).
const ProfileView& default_profile();

// ---- a profile as a program ----

struct Filter {
  std::vector<sock_filter> program;
  std::uint32_t flags = 0;
};

KernelVersion running_kernel();

// caps: the container's set, as the profile's "includes" and "excludes" ask for it. Throws
// sys::Error when the program would be longer than the kernel takes (4,096 instructions).
Filter compile(const ProfileView& profile, CapSet caps, KernelVersion kernel = running_kernel());

// What the program answers: SECCOMP_RET_*. Pure, for tests, `explain` and the check below.
std::uint32_t verdict(std::span<const sock_filter> program, std::uint32_t audit_arch,
                      std::uint32_t number, std::span<const std::uint64_t> args = {});

// Names of the calls that the launch still makes after the filter is on and that the program would
// refuse; empty when all is well. Without no_new_privs a filter is loaded early, and many are still
// to come (security/apply.hpp); with it only the exec is.
std::vector<std::string> refused_after_filter(std::span<const sock_filter> program,
                                              bool no_new_privs = false);

}  // namespace pausa::security
