#include "security/syscalls.hpp"

#include <linux/audit.h>
#include <seccomp.h>

#include <algorithm>
#include <string>

namespace pausa::security {
namespace {

struct Named {
  std::string_view name;
  std::uint32_t number;
};

// What may be younger than the libseccomp we are built with. All architectures share the numbers
// from 424 on (Linux 5.1).
constexpr Named since_6_5[] = {
    {"cachestat", 451},         {"fchmodat2", 452},        {"map_shadow_stack", 453},
    {"futex_wake", 454},        {"futex_wait", 455},       {"futex_requeue", 456},
    {"statmount", 457},         {"listmount", 458},        {"lsm_get_self_attr", 459},
    {"lsm_set_self_attr", 460}, {"lsm_list_modules", 461}, {"mseal", 462},
    {"setxattrat", 463},        {"getxattrat", 464},       {"listxattrat", 465},
    {"removexattrat", 466},     {"open_tree_attr", 467},   {"file_getattr", 468},
    {"file_setattr", 469}};
constexpr Named x86_64_only[] = {{"uretprobe", 335}, {"uprobe", 336}};
// libseccomp answers with a pseudo number for these, since they are also reached by the
// multiplexers socketcall(2) and ipc(2).
constexpr Named x86_direct[] = {
    {"socket", 359},      {"socketpair", 360},  {"bind", 361},       {"connect", 362},
    {"listen", 363},      {"accept4", 364},     {"getsockopt", 365}, {"setsockopt", 366},
    {"getsockname", 367}, {"getpeername", 368}, {"sendto", 369},     {"sendmsg", 370},
    {"recvfrom", 371},    {"recvmsg", 372},     {"shutdown", 373},   {"semget", 393},
    {"semctl", 394},      {"shmget", 395},      {"shmctl", 396},     {"shmat", 397},
    {"shmdt", 398},       {"msgget", 399},      {"msgsnd", 400},     {"msgrcv", 401},
    {"msgctl", 402}};

template <std::size_t size>
std::optional<std::uint32_t> look_up(const Named (&table)[size], std::string_view name) {
  const auto* found = std::ranges::find(table, name, &Named::name);
  if (found == std::end(table)) return std::nullopt;
  return found->number;
}

std::uint32_t scmp_arch(Abi abi) {
  switch (abi) {
    case Abi::x86_64:
      return SCMP_ARCH_X86_64;
    case Abi::x86:
      return SCMP_ARCH_X86;
    case Abi::x32:
      return SCMP_ARCH_X32;
    case Abi::aarch64:
      return SCMP_ARCH_AARCH64;
    case Abi::arm:
      return SCMP_ARCH_ARM;
  }
  return 0;
}

constexpr std::uint32_t x32_bit = 0x40000000;

}  // namespace

std::optional<Abi> abi_named(std::string_view name) {
  if constexpr (native_abi == Abi::x86_64) {
    if (name == "SCMP_ARCH_X86_64") return Abi::x86_64;
    if (name == "SCMP_ARCH_X86") return Abi::x86;
    if (name == "SCMP_ARCH_X32") return Abi::x32;
  } else {
    if (name == "SCMP_ARCH_AARCH64") return Abi::aarch64;
    if (name == "SCMP_ARCH_ARM") return Abi::arm;
  }
  return std::nullopt;
}

std::uint32_t audit_arch(Abi abi) {
  switch (abi) {
    case Abi::x86_64:
    case Abi::x32:
      return AUDIT_ARCH_X86_64;
    case Abi::x86:
      return AUDIT_ARCH_I386;
    case Abi::aarch64:
      return AUDIT_ARCH_AARCH64;
    case Abi::arm:
      return AUDIT_ARCH_ARM;
  }
  return 0;
}

std::optional<std::uint32_t> syscall_number(Abi abi, std::string_view name) {
  if (const auto number = look_up(since_6_5, name)) return number;
  if (abi == Abi::x86_64)
    if (const auto number = look_up(x86_64_only, name)) return number;
  if (abi == Abi::x86)
    if (const auto number = look_up(x86_direct, name)) return number;
  const int number = ::seccomp_syscall_resolve_name_arch(scmp_arch(abi), std::string(name).c_str());
  if (number < 0) return std::nullopt;  // unknown, or a pseudo number
  const auto plain = static_cast<std::uint32_t>(number);
  return abi == Abi::x32 ? plain & ~x32_bit : plain;
}

}  // namespace pausa::security
