// From the JSON of a profile to its tables.
#include "security/seccomp.hpp"
#include "security/syscalls.hpp"
#include "sys/error.hpp"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>

#include <boost/json.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace pausa::security {
namespace {

namespace json = boost::json;

constexpr std::size_t most_rules = 10'000;
constexpr std::uint32_t highest_errno = 4095;  // MAX_ERRNO

[[noreturn]] void refuse(const std::string& where, const std::string& why) {
  throw sys::Error("seccomp profile: " + where + ": " + why);
}

// A value and its place in the document, for errors.
struct Node {
  const json::value* value;
  std::string where;

  Node item(std::size_t i) const {
    return {&value->get_array()[i], where + '[' + std::to_string(i) + ']'};
  }
};

std::optional<Node> member(const json::object& object, const std::string& where,
                           std::string_view name) {
  const json::value* found = object.if_contains(name);
  if (found == nullptr || found->is_null()) return std::nullopt;
  return Node{found, where.empty() ? std::string(name) : where + '.' + std::string(name)};
}

const json::object& as_object(const Node& node) {
  if (!node.value->is_object()) refuse(node.where, "must be an object");
  return node.value->get_object();
}

std::string_view as_text(const Node& node) {
  if (!node.value->is_string()) refuse(node.where, "must be a string");
  return node.value->get_string();
}

std::uint64_t as_number(const Node& node) {
  if (node.value->is_uint64()) return node.value->get_uint64();
  if (node.value->is_int64() && node.value->get_int64() >= 0)
    return static_cast<std::uint64_t>(node.value->get_int64());
  refuse(node.where, "must be a whole number, 0 or more");
}

std::vector<Node> items(const std::optional<Node>& list) {
  std::vector<Node> result;
  if (!list) return result;
  if (!list->value->is_array()) refuse(list->where, "must be a list");
  for (std::size_t i = 0; i < list->value->get_array().size(); ++i) result.push_back(list->item(i));
  return result;
}

std::uint32_t errno_named(const Node& node) {
  const std::string name(as_text(node));
  for (int err = 1; err < 256; ++err) {
    const char* known = ::strerrorname_np(err);
    if (known != nullptr && name == known) return static_cast<std::uint32_t>(err);
  }
  refuse(node.where, "unknown errno \"" + name + '"');
}

// The name, where a profile gives both, is the better one: numbers differ between architectures.
std::uint32_t errno_of(const json::object& object, const std::string& where, const char* number_key,
                       const char* name_key, std::uint32_t fallback) {
  if (const auto name = member(object, where, name_key)) return errno_named(*name);
  const auto node = member(object, where, number_key);
  if (!node) return fallback;
  const std::uint64_t number = as_number(*node);
  if (number > highest_errno) refuse(node->where, "must be at most 4095");
  return static_cast<std::uint32_t>(number);
}

std::uint32_t action(const Node& node, std::uint32_t err) {
  const std::string_view name = as_text(node);
  if (name == "SCMP_ACT_ALLOW") return SECCOMP_RET_ALLOW;
  if (name == "SCMP_ACT_ERRNO") return SECCOMP_RET_ERRNO | err;
  if (name == "SCMP_ACT_LOG") return SECCOMP_RET_LOG;
  if (name == "SCMP_ACT_TRAP") return SECCOMP_RET_TRAP;
  if (name == "SCMP_ACT_TRACE") return SECCOMP_RET_TRACE | err;
  if (name == "SCMP_ACT_KILL" || name == "SCMP_ACT_KILL_THREAD") return SECCOMP_RET_KILL_THREAD;
  if (name == "SCMP_ACT_KILL_PROCESS") return SECCOMP_RET_KILL_PROCESS;
  if (name == "SCMP_ACT_NOTIFY") refuse(node.where, "SCMP_ACT_NOTIFY: there is no listener here");
  refuse(node.where, "unknown action \"" + std::string(name) + '"');
}

Compare compare(const Node& node) {
  constexpr std::pair<std::string_view, Compare> names[] = {
      {"SCMP_CMP_EQ", Compare::equal},
      {"SCMP_CMP_NE", Compare::not_equal},
      {"SCMP_CMP_LT", Compare::less},
      {"SCMP_CMP_LE", Compare::less_equal},
      {"SCMP_CMP_GT", Compare::greater},
      {"SCMP_CMP_GE", Compare::greater_equal},
      {"SCMP_CMP_MASKED_EQ", Compare::masked_equal}};
  const std::string_view name = as_text(node);
  for (const auto& [known, meaning] : names)
    if (name == known) return meaning;
  refuse(node.where, "unknown comparison \"" + std::string(name) + '"');
}

ArgTest arg_test(const Node& node) {
  const json::object& object = as_object(node);
  const auto need = [&](const char* name) {
    const auto found = member(object, node.where, name);
    if (!found) refuse(node.where + '.' + name, "Required value");
    return *found;
  };
  const Node index = need("index");
  const std::uint64_t number = as_number(index);
  if (number > 5) refuse(index.where, "must be between 0 and 5");
  ArgTest test{static_cast<std::uint8_t>(number), compare(need("op")), as_number(need("value")), 0};
  if (const auto two = member(object, node.where, "valueTwo")) test.value_two = as_number(*two);
  return test;
}

KernelVersion kernel_version(const Node& node) {
  const std::string_view text = as_text(node);
  const std::size_t dot = text.find('.');
  KernelVersion version;
  const auto read = [&](std::string_view digits, std::uint16_t& into) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), into);
    if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size())
      refuse(node.where, "must be of the form MAJOR.MINOR");
  };
  read(text.substr(0, dot), version.major);
  read(dot == std::string_view::npos ? "" : text.substr(dot + 1), version.minor);
  return version;
}

CapSet caps_of(const std::optional<Node>& list) {
  CapSet set;
  for (const Node& node : items(list)) {
    const auto cap = cap_number(as_text(node));
    if (!cap) refuse(node.where, "unknown capability \"" + std::string(as_text(node)) + '"');
    set = set.with(*cap);
  }
  return set;
}

bool names_native(const std::vector<Node>& arches) {
  return std::ranges::any_of(arches, [](const Node& n) { return as_text(n) == native_arch; });
}

// Takes the conditions of "includes" and "excludes" into the rule; false when it is not for here.
bool conditions(const json::object& object, const std::string& where, Rule& rule) {
  if (const auto includes = member(object, where, "includes")) {
    const json::object& inner = as_object(*includes);
    rule.needs = caps_of(member(inner, includes->where, "caps"));
    const auto arches = items(member(inner, includes->where, "arches"));
    if (!arches.empty() && !names_native(arches)) return false;
    if (const auto kernel = member(inner, includes->where, "minKernel"))
      rule.since = kernel_version(*kernel);
  }
  if (const auto excludes = member(object, where, "excludes")) {
    const json::object& inner = as_object(*excludes);
    rule.unless = caps_of(member(inner, excludes->where, "caps"));
    if (names_native(items(member(inner, excludes->where, "arches")))) return false;
    if (const auto kernel = member(inner, excludes->where, "minKernel"))
      rule.until = kernel_version(*kernel);
  }
  return true;
}

class Reader {
 public:
  Profile read(const json::value& document) {
    const json::object& top = as_object({&document, "the document"});
    const auto default_action = member(top, "", "defaultAction");
    if (!default_action) refuse("defaultAction", "Required value");
    profile_.default_verdict =
        action(*default_action, errno_of(top, "", "defaultErrnoRet", "defaultErrno", EPERM));
    if (member(top, "", "listenerPath")) refuse("listenerPath", "there is no listener here");
    for (const Node& flag : items(member(top, "", "flags"))) read_flag(flag);
    read_arches(top);
    for (const Node& entry : items(member(top, "", "syscalls"))) read_entry(entry);
    finish();
    return std::move(profile_);
  }

 private:
  void read_flag(const Node& node) {
    const std::string_view name = as_text(node);
    if (name == "SECCOMP_FILTER_FLAG_LOG")
      profile_.flags |= SECCOMP_FILTER_FLAG_LOG;
    else if (name == "SECCOMP_FILTER_FLAG_SPEC_ALLOW")
      profile_.flags |= SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    else if (name != "SECCOMP_FILTER_FLAG_TSYNC")  // a member has one thread when it loads this
      refuse(node.where, "unsupported flag \"" + std::string(name) + '"');
  }

  void read_arches(const json::object& top) {
    abis_.push_back(native_abi);
    const auto add = [&](const Node& node) {
      const auto abi = abi_named(as_text(node));
      if (abi && std::ranges::find(abis_, *abi) == abis_.end()) abis_.push_back(*abi);
    };
    for (const Node& node : items(member(top, "", "architectures"))) add(node);
    for (const Node& node : items(member(top, "", "archMap"))) {
      const json::object& object = as_object(node);
      const auto main = member(object, node.where, "architecture");
      if (!main) refuse(node.where + ".architecture", "Required value");
      if (abi_named(as_text(*main)) != native_abi) continue;
      for (const Node& sub : items(member(object, node.where, "subArchitectures"))) add(sub);
    }
  }

  void read_entry(const Node& entry) {
    const json::object& object = as_object(entry);
    Rule rule;
    if (!conditions(object, entry.where, rule)) return;
    const auto what = member(object, entry.where, "action");
    if (!what) refuse(entry.where + ".action", "Required value");
    rule.verdict = action(*what, errno_of(object, entry.where, "errnoRet", "errno", EPERM));

    std::vector<Node> names = items(member(object, entry.where, "names"));
    if (const auto name = member(object, entry.where, "name")) names.push_back(*name);
    if (names.empty()) refuse(entry.where + ".names", "Required value");

    std::vector<ArgTest> tests;
    for (const Node& node : items(member(object, entry.where, "args")))
      tests.push_back(arg_test(node));
    // The runtimes whose format this is take several tests of one argument as alternatives, since
    // libseccomp cannot join them in one rule.
    const bool alternatives = std::ranges::any_of(tests, [&](const ArgTest& a) {
      return std::ranges::count(tests, a.index, &ArgTest::index) > 1;
    });
    if (!alternatives) return add_rule(rule, tests, names);
    for (const ArgTest& test : tests) add_rule(rule, {&test, 1}, names);
  }

  void add_rule(Rule rule, std::span<const ArgTest> tests, const std::vector<Node>& names) {
    if (profile_.rules.size() == most_rules) refuse("syscalls", "more than 10000 rules");
    rule.first_test = static_cast<std::uint32_t>(profile_.tests.size());
    rule.test_count = static_cast<std::uint32_t>(tests.size());
    profile_.tests.insert(profile_.tests.end(), tests.begin(), tests.end());
    const auto index = static_cast<std::uint32_t>(profile_.rules.size());
    profile_.rules.push_back(rule);
    for (const Node& name : names)
      for (const Abi abi : abis_)
        if (const auto number = syscall_number(abi, as_text(name)))
          table_for(abi).push_back({*number, index});
  }

  std::vector<SyscallRule>& table_for(Abi abi) {
    const std::uint32_t arch = audit_arch(abi);
    auto found = std::ranges::find(profile_.tables, arch, &SyscallTable::audit_arch);
    if (found == profile_.tables.end()) {
      const bool x32 = abi == Abi::x86_64 && std::ranges::find(abis_, Abi::x32) != abis_.end();
      profile_.tables.push_back({arch, x32, {}});
      profile_.calls.emplace_back();
      return profile_.calls.back();
    }
    return profile_.calls[static_cast<std::size_t>(found - profile_.tables.begin())];
  }

  void finish() {
    for (const Abi abi : abis_) (void)table_for(abi);  // a profile without rules has tables too
    for (std::size_t i = 0; i < profile_.tables.size(); ++i) {
      auto& calls = profile_.calls[i];
      const auto key = [](const SyscallRule& c) { return std::pair(c.number, c.rule); };
      std::ranges::sort(calls, {}, key);
      const auto [first, last] = std::ranges::unique(calls, {}, key);  // x32 repeats x86-64
      calls.erase(first, last);
      profile_.tables[i].calls = calls;
    }
  }

  Profile profile_;
  std::vector<Abi> abis_;
};

}  // namespace

Profile load_profile(std::string_view text) {
  json::parse_options options;
  options.max_depth = 16;
  json::error_code error;
  const json::value document =
      json::parse(json::string_view(text.data(), text.size()), error, {}, options);
  if (error) throw sys::Error("seccomp profile: not JSON: " + error.message());
  return Reader{}.read(document);
}

}  // namespace pausa::security
