// The ground under the programs that have no C library (pausa-infra, pausa-guard, pausa-uplink):
// the entry point, system calls, and the four functions that a compiler may call unasked. Included
// once a program, which defines bare_main. System calls return the kernel's value: negative is
// -errno.
#pragma once

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

namespace pausa::bare {

#if defined(__x86_64__)
inline long raw_call(long number, const long (&a)[6]) noexcept {
  register long r10 asm("r10") = a[3];
  register long r8 asm("r8") = a[4];
  register long r9 asm("r9") = a[5];
  long result = number;
  asm volatile("syscall"
               : "+a"(result)
               : "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
inline long raw_call(long number, const long (&a)[6]) noexcept {
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a[0];
  register long x1 asm("x1") = a[1];
  register long x2 asm("x2") = a[2];
  register long x3 asm("x3") = a[3];
  register long x4 asm("x4") = a[4];
  register long x5 asm("x5") = a[5];
  asm volatile("svc #0"
               : "+r"(x0)
               : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
               : "memory");
  return x0;
}
#else
#error "pausa-infra knows x86-64 and aarch64"
#endif

template <typename... Args>
inline long call(long number, Args... args) noexcept {
  const long padded[6] = {(long)args...};
  return raw_call(number, padded);
}

[[noreturn]] inline void exit_program(int code) noexcept {
  for (;;) call(SYS_exit_group, code);
}

inline void close_fd(int fd) noexcept {
  (void)call(SYS_close, fd);  // never retried: Linux frees the number even on EINTR
}

// Every signal; the kernel leaves SIGKILL and SIGSTOP out by itself.
inline void block_all_signals() noexcept {
  const uint64_t all = ~uint64_t{0};
  (void)call(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, &all, nullptr, sizeof all);
}

// An ignored SIGCHLD survives exec and would make the kernel drop exit statuses (wait(2)).
inline void take_child_signals() noexcept {
  const uint64_t default_action[4] = {};
  (void)call(SYS_rt_sigaction, 17 /* SIGCHLD */, default_action, nullptr, sizeof(uint64_t));
}

}  // namespace pausa::bare

// The stack at entry: argc, argv…, null, environment…, null (System V ABI).
extern "C" [[noreturn, gnu::used]] void bare_main(const long* stack) noexcept;

#if defined(__x86_64__)
asm(R"(
.text
.globl _start
.type _start, @function
_start:
  xor %ebp, %ebp
  mov %rsp, %rdi
  and $-16, %rsp
  call bare_main
  hlt
)");
#else
asm(R"(
.text
.globl _start
.type _start, @function
_start:
  mov x29, #0
  mov x30, #0
  mov x0, sp
  bl bare_main
  brk #1
)");
#endif

// The empty asm keeps the compiler from turning a loop into a call of the function it is.
extern "C" {
[[gnu::used]] void* memcpy(void* to, const void* from, size_t count) noexcept {
  for (size_t i = 0; i < count; ++i) {
    static_cast<char*>(to)[i] = static_cast<const char*>(from)[i];
    asm volatile("" ::: "memory");
  }
  return to;
}
[[gnu::used]] void* memmove(void* to, const void* from, size_t count) noexcept {
  char* out = static_cast<char*>(to);
  const char* in = static_cast<const char*>(from);
  if (out <= in) return memcpy(to, from, count);
  while (count-- > 0) {
    out[count] = in[count];
    asm volatile("" ::: "memory");
  }
  return to;
}
[[gnu::used]] void* memset(void* to, int value, size_t count) noexcept {
  for (size_t i = 0; i < count; ++i) {
    static_cast<char*>(to)[i] = static_cast<char>(value);
    asm volatile("" ::: "memory");
  }
  return to;
}
[[gnu::used]] int memcmp(const void* a, const void* b, size_t count) noexcept {
  const auto* x = static_cast<const unsigned char*>(a);
  const auto* y = static_cast<const unsigned char*>(b);
  for (size_t i = 0; i < count; ++i) {
    asm volatile("" ::: "memory");
    if (x[i] != y[i]) return x[i] < y[i] ? -1 : 1;
  }
  return 0;
}
}
