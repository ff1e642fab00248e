// From the tables of a profile to a BPF program: per architecture a binary tree over ranges of
// system call numbers, and a chain of argument tests where a call has them.
//
// The kernel remembers per number whether a filter always allows it (Linux 5.11), so the depth of
// the tree hardly matters; its length does, since every load copies, checks and translates it.
#include "security/seccomp.hpp"
#include "sys/error.hpp"

#include <errno.h>
#include <linux/audit.h>
#include <linux/bpf_common.h>
#include <linux/seccomp.h>
#include <sys/utsname.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <optional>
#include <utility>

namespace pausa::security {
namespace {

static_assert(std::endian::native == std::endian::little, "the halves of an argument lie so");

constexpr std::uint32_t x32_bit = 0x40000000;
constexpr std::uint16_t op_load = BPF_LD | BPF_W | BPF_ABS;
constexpr std::uint16_t op_and = BPF_ALU | BPF_AND | BPF_K;
constexpr std::uint16_t op_return = BPF_RET | BPF_K;
constexpr std::uint16_t op_jump = BPF_JMP | BPF_JA;
constexpr std::uint16_t jump_if_equal = BPF_JMP | BPF_JEQ | BPF_K;
constexpr std::uint16_t jump_if_greater = BPF_JMP | BPF_JGT | BPF_K;
constexpr std::uint16_t jump_if_at_least = BPF_JMP | BPF_JGE | BPF_K;
constexpr std::uint16_t jump_if_set = BPF_JMP | BPF_JSET | BPF_K;

// Writes a program from its end to its beginning. BPF jumps only forward, so every target exists
// when the jump to it is written, and its distance is known.
class Assembler {
 public:
  using Label = std::size_t;  // how many instructions stood behind it, itself included

  Label returns(std::uint32_t verdict) {
    const auto known =
        std::ranges::find(returns_, verdict, &std::pair<std::uint32_t, Label>::first);
    if (known != returns_.end() && reaches(known->second)) return known->second;
    const Label made = put({op_return, 0, 0, verdict});
    if (known != returns_.end())
      known->second = made;
    else
      returns_.emplace_back(verdict, made);
    return made;
  }

  // Behind a load of this word, if that is what stands at the label.
  Label behind_load(std::uint32_t offset, Label at) const {
    const sock_filter& first = code_[at - 1];
    return first.code == op_load && first.k == offset ? at - 1 : at;
  }

  Label load(std::uint32_t offset, Label next) { return put_before(next, {op_load, 0, 0, offset}); }
  Label mask(std::uint32_t bits, Label next) { return put_before(next, {op_and, 0, 0, bits}); }

  Label branch(std::uint16_t op, std::uint32_t value, Label yes, Label no) {
    if (yes == no) return yes;
    // Making the second one reachable may push the first one away by the instruction it takes,
    // which is what the slack in reaches() is for.
    yes = near(yes);
    no = near(no);
    const auto offset = [&](Label to) { return static_cast<std::uint8_t>(code_.size() - to); };
    return put({op, offset(yes), offset(no), value});
  }

  std::vector<sock_filter> finish() {
    std::ranges::reverse(code_);
    return std::move(code_);
  }

 private:
  static constexpr std::size_t farthest = 255;

  bool reaches(Label to) const { return code_.size() - to <= farthest - 4; }

  Label put(sock_filter instruction) {
    code_.push_back(instruction);
    return code_.size();
  }

  Label put_before(Label next, sock_filter instruction) {
    if (next != code_.size()) jump(next);
    return put(instruction);
  }

  Label jump(Label to) {
    return put({op_jump, 0, 0, static_cast<std::uint32_t>(code_.size() - to)});
  }

  // A target that a conditional jump can name: itself, a copy if it is a return, or a long jump.
  Label near(Label to) {
    if (reaches(to)) return to;
    const sock_filter& target = code_[to - 1];
    return target.code == op_return ? returns(target.k) : jump(to);
  }

  std::vector<sock_filter> code_;
  std::vector<std::pair<std::uint32_t, Label>> returns_;  // the nearest return of each verdict
};

// Where a decision leads: to a verdict, whose nearest return is found when it is needed, or to
// code.
struct Target {
  bool is_code = false;
  std::uint32_t verdict = 0;
  Assembler::Label code = 0;
  friend bool operator==(const Target&, const Target&) = default;
};

// What happens to the numbers from first on, up to the next segment's first.
struct Segment {
  std::uint32_t first;
  Target target;
};

class Compiler {
 public:
  Compiler(const ProfileView& profile, CapSet caps, KernelVersion kernel)
      : profile_(profile), caps_(caps), kernel_(kernel) {}

  Filter run() {
    std::vector<std::pair<std::uint32_t, Label>> entries;
    for (auto table = profile_.tables.rbegin(); table != profile_.tables.rend(); ++table)
      entries.emplace_back(table->audit_arch, compile_table(*table));
    // A convention that the profile does not name: no number means there what we think it means.
    Label next = out_.returns(SECCOMP_RET_KILL_PROCESS);
    for (const auto& [arch, entry] : entries) next = out_.branch(jump_if_equal, arch, entry, next);
    (void)out_.load(offsetof(seccomp_data, arch), next);
    Filter filter{out_.finish(), profile_.flags};
    if (filter.program.size() > BPF_MAXINSNS)
      throw sys::Error(E2BIG, "compile a seccomp filter of " +
                                  std::to_string(filter.program.size()) + " instructions");
    return filter;
  }

 private:
  using Label = Assembler::Label;

  Label label(const Target& target) {
    return target.is_code ? target.code : out_.returns(target.verdict);
  }

  bool counts(const Rule& rule) const {
    return (rule.needs - caps_).empty() && (rule.unless & caps_).empty() &&
           !(kernel_ < rule.since) && (rule.until == KernelVersion{} || kernel_ < rule.until);
  }

  Label compile_table(const SyscallTable& table) {
    const std::vector<Segment> segments = segments_of(table);
    Label tree = label(compile_tree(segments, stretches_of(segments)));
    if (table.audit_arch == AUDIT_ARCH_X86_64) {
      if (table.x32)
        tree = out_.mask(~x32_bit, tree);
      else
        tree = out_.branch(jump_if_at_least, x32_bit, out_.returns(SECCOMP_RET_KILL_PROCESS), tree);
    }
    return out_.load(offsetof(seccomp_data, nr), tree);
  }

  std::vector<Segment> segments_of(const SyscallTable& table) {
    const Target fallback{.verdict = profile_.default_verdict};
    std::vector<Segment> segments{{0, fallback}};
    const auto extend = [&](std::uint32_t first, const Target& target) {
      if (segments.back().first == first) segments.pop_back();
      if (segments.empty() || segments.back().target != target) segments.push_back({first, target});
    };
    for (std::size_t i = 0; i < table.calls.size();) {
      const std::uint32_t number = table.calls[i].number;
      std::size_t end = i;
      while (end < table.calls.size() && table.calls[end].number == number) ++end;
      extend(number, compile_call(table.calls.subspan(i, end - i)));
      extend(number + 1, fallback);  // numbers end far below the type's end
      i = end;
    }
    return segments;
  }

  Target compile_call(std::span<const SyscallRule> calls) {
    Target last{.verdict = profile_.default_verdict};
    std::vector<const Rule*> tested;
    for (const SyscallRule& call : calls) {
      const Rule& rule = profile_.rules[call.rule];
      if (!counts(rule)) continue;
      if (rule.test_count == 0) {
        last.verdict = rule.verdict;
        break;
      }
      tested.push_back(&rule);
    }
    while (!tested.empty() && tested.back()->verdict == last.verdict) tested.pop_back();
    if (tested.empty()) return last;
    Label next = out_.returns(last.verdict);
    for (auto rule = tested.rbegin(); rule != tested.rend(); ++rule) {
      const auto tests = profile_.tests.subspan((*rule)->first_test, (*rule)->test_count);
      Label yes = out_.returns((*rule)->verdict);
      for (auto test = tests.rbegin(); test != tests.rend(); ++test)
        yes = compile_test(*test, yes, next);
      next = yes;
    }
    return {.is_code = true, .code = next};
  }

  // One load and one jump. The loaded word is still there at both ends, so that a target which
  // begins by loading it again is entered behind that load.
  Label word(std::uint32_t offset, std::uint16_t op, std::uint32_t value, Label yes, Label no) {
    yes = out_.behind_load(offset, yes);
    no = out_.behind_load(offset, no);
    return out_.load(offset, out_.branch(op, value, yes, no));
  }

  Label compile_test(const ArgTest& test, Label yes, Label no) {
    const auto low_at = static_cast<std::uint32_t>(offsetof(seccomp_data, args)) +
                        8u * static_cast<std::uint32_t>(test.index);
    const std::uint32_t high_at = low_at + 4;
    const auto low = static_cast<std::uint32_t>(test.value);
    const auto high = static_cast<std::uint32_t>(test.value >> 32);
    const auto compare_order = [&](std::uint16_t op, Label above, Label below) {
      const Label tie = word(low_at, op, low, above, below);
      const Label not_above = out_.branch(jump_if_equal, high, tie, below);
      return out_.load(high_at, out_.branch(jump_if_greater, high, above, not_above));
    };
    const auto compare_equal = [&](Label same, Label different) {
      const Label rest = word(high_at, jump_if_equal, high, same, different);
      return word(low_at, jump_if_equal, low, rest, different);
    };
    switch (test.compare) {
      case Compare::equal:
        return compare_equal(yes, no);
      case Compare::not_equal:
        return compare_equal(no, yes);
      case Compare::greater:
        return compare_order(jump_if_greater, yes, no);
      case Compare::less_equal:
        return compare_order(jump_if_greater, no, yes);
      case Compare::greater_equal:
        return test.value == 0 ? yes : compare_order(jump_if_at_least, yes, no);
      case Compare::less:
        return test.value == 0 ? no : compare_order(jump_if_at_least, no, yes);
      case Compare::masked_equal:
        if ((test.value_two & ~test.value) != 0) return no;
        yes = masked(high_at, high, static_cast<std::uint32_t>(test.value_two >> 32), yes, no);
        return masked(low_at, low, static_cast<std::uint32_t>(test.value_two), yes, no);
    }
    return no;
  }

  Label masked(std::uint32_t offset, std::uint32_t mask, std::uint32_t value, Label yes, Label no) {
    if (mask == 0) return yes;
    if (mask == UINT32_MAX) return word(offset, jump_if_equal, value, yes, no);
    if (value == 0) return word(offset, jump_if_set, mask, no, yes);
    if (value == mask && std::has_single_bit(mask)) return word(offset, jump_if_set, mask, yes, no);
    return out_.load(offset, out_.mask(mask, out_.branch(jump_if_equal, value, yes, no)));
  }

  // A stretch of segments that are all one target, save for single numbers: those cost a comparison
  // each, where a tree over ranges would need two.
  struct Stretch {
    std::size_t begin;
    std::size_t end;
    std::optional<Target> common;  // none while there are only single numbers
  };

  std::vector<Stretch> stretches_of(const std::vector<Segment>& segments) const {
    std::vector<Stretch> result;
    for (std::size_t i = 0; i < segments.size(); ++i) {
      const bool single = i + 1 < segments.size() && segments[i + 1].first == segments[i].first + 1;
      const Target& target = segments[i].target;
      if (result.empty() || (!single && result.back().common.value_or(target) != target))
        result.push_back({i, i, std::nullopt});
      result.back().end = i + 1;
      if (!single) result.back().common = target;
    }
    return result;
  }

  Target compile_stretch(const std::vector<Segment>& segments, const Stretch& stretch) {
    // The last segment of all is never single, so only a lone one can lack what is common.
    const Target common = stretch.common.value_or(segments[stretch.end - 1].target);
    Target next = common;
    for (std::size_t i = stretch.end; i-- > stretch.begin;) {
      if (segments[i].target == common) continue;
      const Label yes = label(segments[i].target);
      next = {.is_code = true,
              .code = out_.branch(jump_if_equal, segments[i].first, yes, label(next))};
    }
    return next;
  }

  Target compile_tree(const std::vector<Segment>& segments, std::span<const Stretch> stretches) {
    if (stretches.size() == 1) return compile_stretch(segments, stretches.front());
    const std::size_t half = stretches.size() / 2;
    const Target right = compile_tree(segments, stretches.subspan(half));
    const Target left = compile_tree(segments, stretches.first(half));
    // Not as arguments: label() may write a return, so the order has to be a fixed one.
    const Label yes = label(right);
    const Label no = label(left);
    const std::uint32_t first = segments[stretches[half].begin].first;
    return {.is_code = true, .code = out_.branch(jump_if_at_least, first, yes, no)};
  }

  const ProfileView& profile_;
  CapSet caps_;
  KernelVersion kernel_;
  Assembler out_;
};

}  // namespace

KernelVersion running_kernel() {
  utsname names{};
  sys::check(::uname(&names), "uname");
  KernelVersion version;
  const char* end = names.release + std::strlen(names.release);
  const auto [dot, error] = std::from_chars(names.release, end, version.major);
  if (error == std::errc{} && dot != end) (void)std::from_chars(dot + 1, end, version.minor);
  return version;
}

Filter compile(const ProfileView& profile, CapSet caps, KernelVersion kernel) {
  return Compiler(profile, caps, kernel).run();
}

}  // namespace pausa::security
