// Processes by handle: pidfds, and the identity {pid, start time} under which a process stands in a
// record. A pid is for people and for records; signals go through pidfds only. Not for child zones.
#pragma once

#include "sys/fd.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace pausa::sys {

// A process as records name it. The start time (clock ticks after boot, field 22 of
// /proc/PID/stat) tells it from a later process with the same pid.
struct ProcessId {
  pid_t pid = 0;
  std::uint64_t start_time = 0;
  std::uint64_t inode = 0;  // of its pidfd, unique until the next boot; 0: no pidfs (Linux < 6.9)

  explicit operator bool() const noexcept { return pid > 0; }
  bool operator==(const ProcessId&) const = default;
};

// How a process ended, as waitid(2) tells it.
struct ExitStatus {
  int code = 0;    // CLD_EXITED, CLD_KILLED or CLD_DUMPED
  int status = 0;  // the exit code, or the signal's number

  bool exited() const noexcept;
  // The shell's number: the exit code, or 128 + signal.
  int shell_code() const noexcept;
};

// The start time of pid, or nullopt when there is no such process.
std::optional<std::uint64_t> start_time(pid_t pid);
ProcessId self_id();
ProcessId identify(pid_t pid);  // start_time 0 when it is gone

// Whether this very process still runs (a zombie does not).
bool alive(const ProcessId& id);

// Whether a signal or a tracer has stopped it.
bool is_stopped(const ProcessId& id);

UniqueFd open_pidfd(pid_t pid);
// The pid behind a pidfd, in our PID namespace; 0 when it is gone.
pid_t pid_of(int pidfd);
// A pidfd of exactly this process; nullopt when it is gone or its pid was given to another.
std::optional<UniqueFd> open_process(const ProcessId& id);

// Sends a signal; false when the process is gone already.
bool send_signal(int pidfd, int signal);
// Waits until the process is dead (a pidfd polls readable then); false at the deadline.
bool wait_dead(int pidfd, std::chrono::milliseconds timeout);
// Reaps our own child.
ExitStatus reap(int pidfd);

// The boot's random id (/proc/sys/kernel/random/boot_id), read once per process.
const std::string& boot_id();

// A process-wide answer of capget(2): do we hold this capability (CAP_* number) effectively?
bool have_capability(int capability);

}  // namespace pausa::sys
