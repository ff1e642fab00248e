// The manager's end of a connection to pausa-infra: register members, keep and fetch descriptors,
// hear of exits. Owns the socket and a read-only view of the exit table.
//
// Calls wait for infra's answer up to a deadline and throw sys::Error when there is none, when
// infra is gone, or when it is of another version. Exits that arrive meanwhile are kept for
// next_exit(). Single-threaded; not for child zones.
#pragma once

#include "infra/protocol.hpp"
#include "infra/table.hpp"
#include "sys/fd.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace pausa::infra {

// The listening socket that infra is started with, and where clients connect: NAME in the pod's
// 0700 run directory.
sys::UniqueFd listen_for_infra(int dirfd, const std::string& name);

class Client {
 public:
  // Connects and says hello. nullopt: nobody listens there (the pod is gone).
  static std::optional<Client> connect(int dirfd, const std::string& name,
                                       std::chrono::milliseconds deadline);
  static std::optional<Client> connect(const std::string& path, std::chrono::milliseconds deadline);

  // The member's exit will be recorded. pid is its number in the pod's PID namespace; key is ours
  // to choose. nullopt: it is gone, and its status lost. Registering it again under the same key
  // finds the same place. A transient registration ends by itself, once the process has exited and
  // this connection is closed.
  std::optional<Registration> register_member(pid_t pid, std::uint64_t key, bool transient = false);
  // Gives the place up; false when it was not ours any more, or infra has died.
  bool forget(Registration registration);

  // Keeps a copy of fd under the key, in place of what was there.
  void put_fd(std::uint64_t key, int fd);
  std::optional<sys::UniqueFd> get_fd(std::uint64_t key);
  // False when nothing was kept there; an infra that has died keeps nothing.
  bool drop_fd(std::uint64_t key);
  std::vector<std::uint64_t> list_fds();

  // For the event loop: readable when there may be an exit. A request may have read exits off the
  // socket already, so ask next_exit() after each request too.
  int fd() const noexcept { return socket_.get(); }
  // The next pushed exit, or nullopt when none is waiting. Throws when infra has gone. A client
  // that reads too late misses pushes, never the table's entries: see missed_exits().
  std::optional<Exit> next_exit();
  // Whether a request has read some off the socket: next_exit(), or missed_exits(), has to tell.
  bool has_read_exits() const noexcept { return missed_ || !exits_.empty(); }
  // True once after a gap between pushes: look through table().
  bool missed_exits() noexcept;

  const ExitTable& table() const noexcept { return *table_; }

 private:
  Client(sys::UniqueFd socket, std::chrono::milliseconds deadline);

  struct Answer {
    Status status = Status::ok;
    Registration registration;
    sys::UniqueFd passenger;
    std::vector<std::uint64_t> keys;
  };
  // Sends the request and waits for its reply; any status but those in `expected` throws.
  Answer ask(Op op, Request request, const char* doing, int passenger = -1);
  // Whether it did; an infra that has died does nothing.
  bool agrees(Op op, Request request, const char* doing);
  // One packet, if there is one; false when none is waiting.
  bool receive(Answer* answer, std::uint32_t serial, bool& answered);
  void keep(const ExitPush& push);

  sys::UniqueFd socket_;
  std::chrono::milliseconds deadline_;
  std::optional<ExitTable> table_;
  std::deque<Exit> exits_;
  std::uint64_t last_sequence_ = 0;
  std::uint32_t last_serial_ = 0;
  bool missed_ = false;
};

}  // namespace pausa::infra
