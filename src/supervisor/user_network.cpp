#include "supervisor/user_network.hpp"

#include "net/pasta.hpp"
#include "supervisor/kept.hpp"
#include "supervisor/pod_sandbox.hpp"
#include "supervisor/user_namespace.hpp"
#include "sys/error.hpp"
#include "sys/file_lock.hpp"
#include "sys/namespace.hpp"
#include "sys/own_program.hpp"
#include "sys/path.hpp"
#include "sys/process.hpp"
#include "sys/socket.hpp"
#include "sys/tool.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <vector>

namespace pausa::supervisor {
namespace {

constexpr std::chrono::seconds pasta_patience(10);
constexpr std::chrono::seconds end_patience(5);
constexpr std::size_t record_limit = 256;
constexpr std::size_t words_limit = 4096;
// What pausa-uplink is started with.
constexpr int program_number = 3;
constexpr int network_number = 4;
constexpr int users_number = 5;
constexpr int lock_number = 6;

std::string lock_path(const state::Paths& paths) {
  return paths.network() + "/uplink";
}

class Locked {
 public:
  explicit Locked(const state::Paths& paths)
      : file_(sys::lock_in_folder(paths.network(), "uplink",
                                  "lock the network of the user's pods")) {}

 private:
  sys::UniqueFd file_;
};

std::string to_text(const sys::ProcessId& id) {
  return std::to_string(id.pid) + " " + std::to_string(id.start_time) + " " +
         std::to_string(id.inode) + "\n";
}

sys::ProcessId parse_process(const std::string& text) {
  sys::ProcessId id;
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto number = [&](auto& value) {
    const auto [rest, error] = std::from_chars(at, end, value);
    at = error == std::errc() && rest != end ? rest + 1 : end;
  };
  number(id.pid);
  number(id.start_time);
  number(id.inode);
  return id;
}

sys::ProcessId recorded_keeper(const state::Paths& paths) {
  return parse_process(sys::read_file_at(AT_FDCWD, lock_path(paths), record_limit).value_or(""));
}

void end_process(int pidfd) {
  (void)sys::send_signal(pidfd, SIGKILL);
  if (!sys::wait_dead(pidfd, end_patience))
    throw sys::Error("the process that keeps the network of the user's pods does not die");
}

sys::UniqueFd open_again(const std::string& descriptor, int flags) {
  return sys::open_at(AT_FDCWD, descriptor, flags | O_NONBLOCK);
}

bool has_users(const sys::UniqueFd& pipe) {
  pollfd users{pipe.get(), 0, 0};
  return ::poll(&users, 1, 0) == 0;
}

// One without users is about to end, and may have the ids that the user had before.
UserNetwork join_living(const state::Paths& paths) {
  const auto keeper = sys::open_process(recorded_keeper(paths));
  if (!keeper) return {};
  const std::string descriptors = "/proc/" + std::to_string(sys::pid_of(keeper->get())) + "/fd/";
  try {
    if (has_users(open_again(descriptors + std::to_string(users_number), O_RDONLY))) {
      UserNetwork joined{open_again(descriptors + std::to_string(network_number), O_RDONLY),
                         open_again(descriptors + std::to_string(users_number), O_WRONLY)};
      // Alive still: the pid has meant this process all the while.
      return sys::send_signal(keeper->get(), 0) ? std::move(joined) : UserNetwork{};
    }
  } catch (const sys::Error& error) {
    // What a process in exit(2) has belongs to nobody, then is gone (proc(5)).
    if (error.err() != EACCES && error.err() != ENOENT && error.err() != ESRCH) throw;
  }
  end_process(keeper->get());
  return {};
}

// That of pods whose keeper is gone.
UserNetwork join_pods(const state::Store& store) {
  for (const auto& key : store.list_keys()) try {
      const auto record = store.read(key);
      if (!record || record->network.mode != state::NetworkRecord::Mode::user) continue;
      const sys::UniqueFd run_dir = sys::open_dir(store.paths().run_dir(key));
      auto sandbox = find_pod_sandbox(record->infra, run_dir.get());
      if (sandbox)
        if (auto found = kept_user_network(sandbox->client)) return found;
    } catch (const sys::Error&) {
      continue;  // damaged, or ending
    }
  return {};
}

// ---- the process that makes it, and becomes its keeper

struct Making {
  std::string lock_path;
  net::BridgeConfig bridge;
  UserNetwork found = UserNetwork();      // what pods have of it; empty: it is new
  sys::UniqueFd users = sys::UniqueFd();  // the reading end of the pipe
  sys::UniqueFd report = sys::UniqueFd();
};

// pasta finds the namespace by a path. It has given up too much to look into /proc of others, so in
// our mount namespace, and for nobody else, the namespace is where the record is.
void show(int network, const std::string& path) {
  const std::string source = "/proc/self/fd/" + std::to_string(network);
  sys::check(::mount(source.c_str(), path.c_str(), nullptr, MS_BIND, nullptr),
             "show the network to pasta at ", path);
}

std::string ensure_bridge(int network, const net::BridgeConfig& config) {
  return work_in(network, "make the bridge", [&config] { return net::ensure_bridge(config).note; });
}

struct Pasta {
  pid_t pid = 0;
  std::string fault;
};

Pasta start_pasta(int network, const std::string& path) {
  net::WayOut way(network);
  const sys::UniqueFd errors(sys::check(::memfd_create("pasta", MFD_CLOEXEC), "make a file"));
  sys::ToolRequest request;
  request.program = net::pasta_program();
  request.arguments = net::pasta_arguments(path);
  request.descriptors = {{errors.get(), STDERR_FILENO}};
  request.hear_errors = false;
  sys::Tool pasta(request);
  const sys::UniqueFd pidfd = sys::open_pidfd(pasta.pid());
  switch (way.await(pidfd.get(), pasta_patience)) {
    case net::WayOut::State::open:
      return {pasta.let_go(), ""};
    case net::WayOut::State::late:
      return {pasta.let_go(), "pasta makes no way out"};
    case net::WayOut::State::ended:
      break;
  }
  (void)sys::reap(pidfd.get());
  (void)pasta.let_go();
  sys::check(::lseek(errors.get(), 0, SEEK_SET), "read what pasta said");
  const auto words = net::pasta_words(sys::read_all(errors.get(), words_limit, "pasta's words"));
  return {0, "pasta: " + (words.empty() ? "it ended" : words)};
}

[[noreturn]] void become_keeper(const sys::UniqueFd& program, const sys::UniqueFd& network,
                                const sys::UniqueFd& users, const sys::UniqueFd& lock, pid_t pasta,
                                const std::string& path) {
  std::vector<std::string> words{"pausa-uplink", std::to_string(pasta)};
  for (auto& word : net::pasta_arguments(path)) words.push_back(std::move(word));
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  char* const environment[] = {nullptr};
  constexpr int beyond = 64;
  const int from[] = {program.get(), network.get(), users.get(), lock.get()};
  int copies[4];
  for (int i = 0; i < 4; ++i)
    copies[i] = sys::check(::fcntl(from[i], F_DUPFD_CLOEXEC, beyond), "copy a descriptor");
  const sys::UniqueFd uplink = sys::open_program(sys::helper_path("pausa-uplink"));
  const int executed =
      sys::check(::fcntl(uplink.get(), F_DUPFD_CLOEXEC, beyond), "copy a descriptor");
  for (int i = 0; i < 4; ++i)
    sys::check(::dup2(copies[i], program_number + i), "place a descriptor");
  (void)::syscall(SYS_execveat, executed, "", argv.data(), environment, AT_EMPTY_PATH);
  throw sys::Error(errno, "execute pausa-uplink");
}

[[noreturn]] void make_and_keep(Making& making) {
  // Its own, not the one of who waits for us; opened before it is covered.
  const sys::UniqueFd lock = sys::open_at(AT_FDCWD, making.lock_path, O_RDWR);
  sys::leave_command();
  if (making.found)
    enter_user_namespace_of(making.found.network.get());
  else
    enter_new_user_namespace();
  const sys::UniqueFd network =
      making.found ? std::move(making.found.network) : sys::make_network_namespace();
  making.found.use.reset();
  const sys::UniqueFd program = sys::open_at(AT_FDCWD, net::pasta_program(), O_PATH);
  show(network.get(), making.lock_path);
  auto pasta = start_pasta(network.get(), making.lock_path);
  auto fault = ensure_bridge(network.get(), making.bridge);
  if (!pasta.fault.empty()) fault = "the pods reach each other, and nothing else: " + pasta.fault;
  const std::string record = to_text(sys::self_id());
  sys::check(::ftruncate(lock.get(), 0), "write who keeps the network");
  sys::check(::pwrite(lock.get(), record.data(), record.size(), 0), "write who keeps the network");
  fault.insert(fault.begin(), '+');
  (void)sys::send_packet(making.report.get(), fault.data(), std::min(fault.size(), most_report),
                         network.get());
  become_keeper(program, network, making.users, lock, pasta.pid, making.lock_path);
}

// Its first packet is "+" and what does not work, with the namespace; one that begins otherwise is
// an error, and the end of the stream that it is the keeper now.
sys::UniqueFd hear_maker(int socket, std::string& note) {
  sys::UniqueFd network;
  const timeval patience{usual_patience.count(), 0};
  (void)!::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  for (;;) {
    std::array<char, most_report> text;
    int passenger = -1;
    const long size = sys::receive_packet(socket, text.data(), text.size(), passenger);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN)
      throw sys::Error("nothing was heard of its process for " + std::to_string(patience.tv_sec) +
                       " s");
    if (passenger >= 0) network.reset(passenger);
    if (size <= 0) break;
    const std::string words(text.data(), static_cast<std::size_t>(size));
    if (words.front() != '+') throw sys::Error(words);
    note = words.substr(1);
  }
  if (!network) throw sys::Error("the process that makes it died");
  return network;
}

UserNetwork make(const state::Paths& paths, net::BridgeConfig config, UserNetwork found,
                 std::string& note) {
  Making making{lock_path(paths), std::move(config)};
  UserNetwork made;
  if (found) {
    making.users = open_again("/proc/self/fd/" + std::to_string(found.use.get()), O_RDONLY);
    made.use = std::move(found.use);
    making.found = std::move(found);
  } else {
    int ends[2];
    sys::check(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), "make a pipe");
    making.users.reset(ends[0]);
    made.use.reset(ends[1]);
  }
  auto [ours, theirs] = sys::socket_pair(SOCK_SEQPACKET);
  making.report = std::move(theirs);
  // Twice, so that it is nobody's child that anybody would have to reap.
  const pid_t pid = sys::check(::fork(), "start a process for the network of the user's pods");
  if (pid == 0) {
    ours.reset();
    made.use.reset();
    if (::fork() != 0) ::_exit(0);
    std::string fault;
    try {
      make_and_keep(making);
    } catch (const std::exception& error) {
      fault = error.what();
    }
    (void)sys::send_packet(making.report.get(), fault.data(), std::min(fault.size(), most_report));
    ::_exit(1);
  }
  { const Child reaped(pid); }
  making.report.reset();
  try {
    made.network = hear_maker(ours.get(), note);
  } catch (sys::Error& error) {
    error.prepend("make the network of your pods");
    throw;
  }
  return made;
}

}  // namespace

std::string work_in(int network, const char* what, const std::function<std::string()>& work,
                    std::chrono::milliseconds patience) {
  const pid_t parent = ::getpid();
  const auto inside = [network, parent, &work] {
    enter_user_namespace_of(network);
    sys::die_with(parent);
    sys::check(::setns(network, CLONE_NEWNET), "enter the network of the user's pods");
    return work();
  };
  return do_in_child(what, std::vector<int>{network}, inside, patience);
}

std::string why_no_user_network() {
  if (net::pasta_program().empty()) return "pasta is not installed; install it (package passt)";
  if (::access("/dev/net/tun", R_OK | W_OK) != 0)
    return "/dev/net/tun cannot be opened; as root: chmod 666 /dev/net/tun";
  return {};
}

UserNetwork join_user_network(const state::Store& store, net::BridgeConfig config,
                              std::string& note) {
  const auto& paths = store.paths();
  const Locked locked(paths);
  if (auto living = join_living(paths)) {
    if (!net::remembered_pool(config)) {
      net::choose_range(config);
      note = ensure_bridge(living.network.get(), config);
    }
    return living;
  }
  auto found = join_pods(store);
  if (!found) net::choose_range(config);
  return make(paths, std::move(config), std::move(found), note);
}

bool has_user_network(const state::Paths& paths) {
  return ::access(lock_path(paths).c_str(), F_OK) == 0;
}

bool in_user_network(const state::Store& store, const std::function<void()>& work,
                     std::chrono::milliseconds patience) {
  sys::UniqueFd network;
  if (const auto keeper = sys::open_process(recorded_keeper(store.paths()))) try {
      network = open_again("/proc/" + std::to_string(sys::pid_of(keeper->get())) + "/fd/" +
                               std::to_string(network_number),
                           O_RDONLY);
      if (!sys::send_signal(keeper->get(), 0)) network.reset();  // its pid is somebody else's
    } catch (const sys::Error&) {
      // It is ending.
    }
  if (!network) network = join_pods(store).network;
  if (!network) return false;
  const auto inside = [&work] {
    work();
    return std::string();
  };
  (void)work_in(network.get(), "work in the network of the user's pods", inside, patience);
  return true;
}

UserNetwork find_user_network(const state::Store& store) {
  const auto& paths = store.paths();
  if (::access(lock_path(paths).c_str(), F_OK) != 0) return {};
  const Locked locked(paths);
  auto living = join_living(paths);
  return living ? std::move(living) : join_pods(store);
}

void end_user_network(const state::Paths& paths) {
  if (::access(lock_path(paths).c_str(), F_OK) != 0) return;
  const Locked locked(paths);
  if (const auto keeper = sys::open_process(recorded_keeper(paths))) end_process(keeper->get());
}

UserNetwork kept_user_network(infra::Client& client) {
  auto network = client.get_fd(encode({0, 0, Kept::user_network}));
  auto use = network ? client.get_fd(encode({0, 0, Kept::user_network_use})) : std::nullopt;
  if (!use) return {};
  return {std::move(*network), std::move(*use)};
}

void keep_user_network(infra::Client& client, const UserNetwork& network) {
  client.put_fd(encode({0, 0, Kept::user_network}), network.network.get());
  client.put_fd(encode({0, 0, Kept::user_network_use}), network.use.get());
}

}  // namespace pausa::supervisor
