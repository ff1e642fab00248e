// The exit table as the manager sees it: how the registered members of a pod ended, written by
// infra, read here without asking anybody. It stays readable after infra's death (a member that had
// not exited by then is `registered` for ever: the pod's end killed it).
// ExitTable owns its mapping. Reading never waits and never throws.
#pragma once

#include "infra/protocol.hpp"
#include "sys/fd.hpp"
#include "sys/process.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace pausa::infra {

// A registered member's place in the table.
struct Registration {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;

  bool operator==(const Registration&) const = default;
};

// The end of a registered member.
struct Exit {
  std::uint64_t key = 0;  // the manager's own name for it
  pid_t pid = 0;          // in the pod's PID namespace
  Registration registration;
  sys::ExitStatus status;
  std::chrono::nanoseconds boottime{};  // the host's CLOCK_BOOTTIME
  std::chrono::nanoseconds realtime{};
};

struct TableEntry {
  bool exited = false;
  Exit member;  // status and times are of use only when it has exited
};

class ExitTable {
 public:
  // Maps the memfd read-only and checks that it is a table of ours.
  explicit ExitTable(int memfd);
  ExitTable(ExitTable&& other) noexcept;
  ExitTable& operator=(ExitTable&& other) noexcept;
  ~ExitTable();

  // Every registered member, dead or alive.
  std::vector<TableEntry> entries() const;
  // nullopt: not registered (any more).
  std::optional<TableEntry> find(Registration registration) const noexcept;
  // Exits of registered members so far, and processes reaped so far (orphans too).
  std::uint64_t exits() const noexcept;
  std::uint64_t reaped() const noexcept;
  // When infra started, by the host's CLOCK_BOOTTIME.
  std::chrono::nanoseconds started() const noexcept;

 private:
  std::optional<TableEntry> read(std::uint32_t slot) const noexcept;

  const Table* table_ = nullptr;
};

// A new, empty table for infra to fill: a sealable memfd.
sys::UniqueFd create_table();

}  // namespace pausa::infra
