// System calls by name, for reading profiles. Not for the start path of a pod with the built-in
// profile, whose numbers are resolved when pausa is built. Not for child zones.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pausa::security {

// The calling conventions that a kernel of this machine's family offers.
enum class Abi : std::uint8_t { x86_64, x86, x32, aarch64, arm };

#if defined(__x86_64__)
inline constexpr Abi native_abi = Abi::x86_64;
inline constexpr std::string_view native_arch = "amd64";  // in "includes": {"arches": …}
#elif defined(__aarch64__)
inline constexpr Abi native_abi = Abi::aarch64;
inline constexpr std::string_view native_arch = "arm64";
#else
#error "seccomp profiles are known for x86-64 and aarch64 only"
#endif

// "SCMP_ARCH_X86_64" and its like; nothing for architectures of other families.
std::optional<Abi> abi_named(std::string_view name);
// AUDIT_ARCH_*; x32 shares that of x86-64.
std::uint32_t audit_arch(Abi abi);

// The number in that convention, x32 without its bit; nothing when it has no such call.
std::optional<std::uint32_t> syscall_number(Abi abi, std::string_view name);

}  // namespace pausa::security
