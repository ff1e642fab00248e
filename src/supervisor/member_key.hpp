// The numbers by which infra knows whose exit it tells of: a member's, a check's command's, that of
// an `exec` of the command line.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace pausa::supervisor {

// A member: its container and which instance of it.
inline std::uint64_t member_key(std::size_t index, std::uint32_t launches) {
  return static_cast<std::uint64_t>(launches) << 16U | index;
}
inline std::size_t container_index(std::uint64_t key) {
  return static_cast<std::size_t>(key & 0xffffU);
}

// No container has this index: the supervisor sees at once that the exit is no member's.
inline constexpr std::uint64_t no_container = 0xffffU;
// No pid has this bit.
inline constexpr std::uint64_t check_bit = std::uint64_t{1} << 62U;
inline constexpr std::uint64_t exec_bit = std::uint64_t{1} << 63U;

// The command of a probe or hook, counted by the supervisor.
inline std::uint64_t check_key(std::uint32_t number) {
  return check_bit | static_cast<std::uint64_t>(number) << 16U | no_container;
}
inline bool is_check_key(std::uint64_t key) {
  return (key & exec_bit) == 0 && (key & check_bit) != 0 && container_index(key) == no_container;
}

// What somebody executes in the pod; pid: of the command that waits for it.
inline std::uint64_t exec_key(pid_t pid) {
  return exec_bit | static_cast<std::uint64_t>(pid) << 16U | no_container;
}

}  // namespace pausa::supervisor
