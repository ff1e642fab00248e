// What a filter answers, without a kernel: the part of classic BPF that seccomp(2) accepts and our
// compiler or libseccomp's writes.
#include "security/seccomp.hpp"
#include "security/syscalls.hpp"
#include "sys/error.hpp"

#include <linux/bpf_common.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace pausa::security {

std::uint32_t verdict(std::span<const sock_filter> program, std::uint32_t audit_arch,
                      std::uint32_t number, std::span<const std::uint64_t> args) {
  seccomp_data data{};
  data.nr = static_cast<int>(number);
  data.arch = audit_arch;
  for (std::size_t i = 0; i < std::min<std::size_t>(args.size(), 6); ++i) data.args[i] = args[i];

  std::uint32_t accumulator = 0;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const sock_filter& step = program[at];
    const auto branch = [&](bool taken) { at += taken ? step.jt : step.jf; };
    switch (step.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        if (step.k > sizeof data - sizeof accumulator || step.k % 4 != 0)
          throw sys::Error("a seccomp program loads what is not there");
        std::memcpy(&accumulator, reinterpret_cast<const char*>(&data) + step.k,
                    sizeof accumulator);
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        accumulator &= step.k;
        break;
      case BPF_JMP | BPF_JA:
        at += step.k;
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        branch(accumulator == step.k);
        break;
      case BPF_JMP | BPF_JGT | BPF_K:
        branch(accumulator > step.k);
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        branch(accumulator >= step.k);
        break;
      case BPF_JMP | BPF_JSET | BPF_K:
        branch((accumulator & step.k) != 0);
        break;
      case BPF_RET | BPF_K:
        return step.k;
      default:
        throw sys::Error("a seccomp program has an instruction that is not understood");
    }
  }
  throw sys::Error("a seccomp program ends without an answer");
}

std::vector<std::string> refused_after_filter(std::span<const sock_filter> program,
                                              bool no_new_privs) {
  // In the order in which the launch comes to them.
  constexpr std::pair<std::string_view, std::uint32_t> calls[] = {
      {"prctl", SYS_prctl},
      {"capget", SYS_capget},
      {"capset", SYS_capset},
      {"clone", SYS_clone},
      {"wait4", SYS_wait4},
      {"sendmsg", SYS_sendmsg},
      {"recvfrom", SYS_recvfrom},
      {"setsid", SYS_setsid},
      {"rt_sigaction", SYS_rt_sigaction},
      {"rt_sigprocmask", SYS_rt_sigprocmask},
      {"chdir", SYS_chdir},
      {"setgroups", SYS_setgroups},
      {"setresgid", SYS_setresgid},
      {"setresuid", SYS_setresuid},
      {"execve", SYS_execve},
      {"exit_group", SYS_exit_group}};
  std::vector<std::string> refused;
  for (const auto& [name, number] : calls) {
    if (no_new_privs && number != SYS_execve && number != SYS_exit_group) continue;
    const std::uint32_t answer = verdict(program, audit_arch(native_abi), number);
    if (answer != SECCOMP_RET_ALLOW && answer != SECCOMP_RET_LOG) refused.emplace_back(name);
  }
  return refused;
}

}  // namespace pausa::security
