// A real sandbox for the tests of this room, and members that live in it the way the launch makes
// them: adopted by infra. Needs root; everything is gone with the objects.
#pragma once

#include "infra/client.hpp"
#include "infra/sandbox.hpp"
#include "support/temp_tree.hpp"
#include "sys/error.hpp"
#include "sys/namespace.hpp"
#include "sys/process.hpp"
#include "sys/socket.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace pausa::test {

using namespace std::chrono_literals;

inline const std::string libexec = PAUSA_BINARY_DIR "/libexec/pausa/";

// Can this machine make namespaces for us? (No user namespace involved.)
inline bool can_make_namespaces() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(::unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID) == 0 ? 0 : 1);
  int status = 1;
  (void)::waitpid(child, &status, 0);
  return status == 0;
}

inline std::string read_text(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The value of a line "NAME:\tVALUE" in /proc/PID/status.
inline std::string status_of(pid_t pid, const std::string& name) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(name + ":")) {
      const auto at = line.find_first_not_of(" \t", name.size() + 1);
      return at == std::string::npos ? "" : line.substr(at);
    }
  return "absent";
}

// Looks until it is so; a state that must come, whatever the machine's load. The limit only turns
// a hang into a failure.
template <typename Condition>
bool eventually(Condition condition) {
  const auto limit = std::chrono::steady_clock::now() + 60s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    ::usleep(1000);
  }
  return true;
}

// A member as the test sees it: its number in the pod, and a handle.
struct Member {
  pid_t pid = 0;
  sys::UniqueFd pidfd;
};

class Pod {
 public:
  explicit Pod(const std::function<void(infra::SandboxRequest&)>& change = {}) {
    sys::UniqueFd exe(::open((libexec + "pausa-infra").c_str(), O_RDONLY | O_CLOEXEC));
    sys::UniqueFd listener = infra::listen_for_infra(folder_.fd(), "infra.sock");
    sys::UniqueFd table = infra::create_table();
    infra::SandboxRequest request;
    request.hostname = "test-pod";
    request.infra_exe_fd = exe.get();
    request.listen_fd = listener.get();
    request.table_fd = table.get();
    if (change) change(request);
    sandbox_ = infra::create_sandbox(request);
  }
  Pod(const Pod&) = delete;
  Pod& operator=(const Pod&) = delete;
  ~Pod() { kill(); }

  pid_t pid() const { return sandbox_.pid; }
  const infra::Sandbox& sandbox() const { return sandbox_; }
  const TempTree& folder() const { return folder_; }
  infra::Client client() const {
    return infra::Client::connect(folder_.fd(), "infra.sock", 20s).value();
  }
  sys::UniqueFd raw_connection() const {
    return sys::connect_at(folder_.fd(), "infra.sock", SOCK_SEQPACKET);
  }

  // Kills infra and reaps it.
  void kill() {
    if (!sandbox_.pidfd) return;
    (void)sys::send_signal(sandbox_.pidfd.get(), SIGKILL);
    (void)sys::reap(sandbox_.pidfd.get());
    sandbox_.pidfd.reset();
  }

  // Forks twice in the pod, so that infra becomes the parent, and runs `body` there; a member reads
  // a byte from `gate` first, when one is given.
  template <typename Body>
  std::vector<Member> start_many(int count, Body body, int gate = -1) const {
    auto [ours, theirs] = sys::socket_pair(SOCK_SEQPACKET);
    const pid_t joiner = sys::check(::fork(), "fork");
    if (joiner == 0) {
      constexpr int kinds = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
      if (::setns(sandbox_.pidfd.get(), kinds) < 0) ::_exit(1);
      const pid_t middle = ::fork();
      if (middle < 0) ::_exit(2);
      int status = 0;
      if (middle > 0) ::_exit(::waitpid(middle, &status, 0) == middle && status == 0 ? 0 : 3);
      for (int i = 0; i < count; ++i) {
        const pid_t member = ::fork();
        if (member < 0) ::_exit(4);
        if (member == 0) live(theirs.get(), gate, body);
      }
      ::_exit(0);
    }
    theirs.reset();
    std::vector<Member> members;
    for (int i = 0; i < count; ++i) {
      Member member;
      int fd = -1;
      if (sys::receive_packet(ours.get(), &member.pid, sizeof member.pid, fd) != sizeof member.pid)
        throw sys::Error("no word of a member");
      member.pidfd.reset(fd);
      members.push_back(std::move(member));
    }
    int status = 0;
    sys::check(::waitpid(joiner, &status, 0), "wait for the joiner");
    if (status != 0) throw sys::Error("the joiner failed");
    return members;
  }

  template <typename Body>
  Member start(Body body, int gate = -1) const {
    return std::move(start_many(1, body, gate).front());
  }

 private:
  template <typename Body>
  [[noreturn]] static void live(int report, int gate, Body body) {
    const auto self = static_cast<pid_t>(::syscall(SYS_getpid));
    const auto handle = static_cast<int>(::syscall(SYS_pidfd_open, self, 0));
    (void)sys::send_packet(report, &self, sizeof self, handle);
    (void)::close(handle);
    (void)::close(report);
    char go;
    if (gate >= 0 && ::read(gate, &go, 1) != 1) ::_exit(99);
    body();
    ::_exit(0);
  }

  TempTree folder_;
  infra::Sandbox sandbox_;
};

// Lets members that wait at it go on.
class Gate {
 public:
  Gate() {
    int fds[2];
    sys::check(::pipe2(fds, O_CLOEXEC), "pipe");
    in_.reset(fds[0]);
    out_.reset(fds[1]);
  }
  int wait_end() const { return in_.get(); }
  void release(int count = 1) const {
    for (int i = 0; i < count; ++i) sys::check(::write(out_.get(), "g", 1), "open the gate");
  }

 private:
  sys::UniqueFd in_;
  sys::UniqueFd out_;
};

}  // namespace pausa::test
