#include "supervisor/spawn.hpp"

#include "supervisor/images.hpp"
#include "supervisor/stored_pod.hpp"
#include "sys/error.hpp"
#include "sys/own_program.hpp"
#include "sys/path.hpp"
#include "sys/socket.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

namespace pausa::supervisor {
namespace {

constexpr std::chrono::seconds lock_patience(10);

// Descriptors that came with the command's own exec: all that is not close-on-exec, since
// everything that we open is.
void close_inherited() {
  const sys::UniqueFd dir = sys::open_dir("/proc/self/fd");
  for (const auto& name : sys::list_dir(dir.get())) {
    const int fd = std::stoi(name);
    if (fd > 2 && ::fcntl(fd, F_GETFD) == 0) (void)::close(fd);
  }
}

void detach() {
  sys::leave_command();
  (void)::umask(022);
}

// Its arguments were those of the command that it began as.
void name_process(const state::PodKey& key) {
  sys::name_own_process("pausa-supervise", "pausa-supervisor " + key.namespace_ + "/" + key.name);
}

void ignore_signals() {
  // A log reader, a file-size limit or a hung-up terminal must not end the supervisor.
  for (const int number : {SIGPIPE, SIGXFSZ, SIGHUP, SIGINT, SIGQUIT})
    (void)::signal(number, SIG_IGN);
}

[[noreturn]] void become_guard(const Host& host, const state::PodKey& key, pid_t supervisor) {
  // The guard wants the program that it is to start as descriptor 3.
  const int guard = ::fcntl(host.guard_fd.get(), F_DUPFD_CLOEXEC, 10);
  if (host.program_fd.get() != 3) (void)::dup2(host.program_fd.get(), 3);
  (void)::fcntl(3, F_SETFD, 0);
  const std::string pid = std::to_string(supervisor);
  const std::array<const char*, 7> argv{
      "pausa-guard",          pid.c_str(),      "pausa", "supervise",
      key.namespace_.c_str(), key.name.c_str(), nullptr};
  (void)::syscall(SYS_execveat, guard, "", argv.data(), environ, AT_EMPTY_PATH);
  ::_exit(127);  // the supervisor lives on without a guard
}

// At the root of the supervisor's process: nothing is above that could catch. The guard starts the
// next one, which finds the record; people find the reason, told once as long as it stays the same.
template <typename Life>
int live(const state::Store& store, const state::PodKey& key, Life life) {
  std::string why;
  try {
    life();
    return 0;
  } catch (const std::exception& error) {
    why = error.what();
    if (const auto scope = "pod " + key.name + ": "; why.starts_with(scope))
      why.erase(0, scope.size());
  }
  try {
    if (store.read_failure(key) == why) return 1;
    store.write_failure(key, why);
    EventLog events(store, key);
    events.add(true, "SupervisorFailed", "", why);
    events.flush();
  } catch (const std::exception&) {
    // Nobody to tell.
  }
  return 1;
}

}  // namespace

Charge load_charge(const state::Store& store, state::Lock lock, state::Record record, bool runs) {
  auto pod = read_living_pod(store, record).pod;
  Charge charge{store, std::move(lock), std::move(record), std::move(pod), {}};
  // A record that a reboot has taken knows no images.
  const auto known = known_images(charge.record);
  charge.images = runs ? look_up_images(charge.pod.spec, known, store)
                       : resolve_images(charge.pod.spec, known, store);
  return charge;
}

sys::UniqueFd spawn_new(Charge charge, Host host) {
  auto [ours, theirs] = sys::socket_pair(SOCK_SEQPACKET);
  const pid_t guard = sys::check(::fork(), "start the guard");
  if (guard > 0) return std::move(ours);

  detach();
  const pid_t supervisor = ::fork();
  if (supervisor != 0) {
    if (supervisor < 0) ::_exit(127);
    become_guard(host, charge.record.key, supervisor);
  }
  close_inherited();
  ignore_signals();
  name_process(charge.record.key);
  (void)ours.release();
  Starter starter(std::move(theirs));
  const state::Store store = charge.store;
  const state::PodKey key = charge.record.key;
  const int code = live(store, key, [&] {
    Supervisor life(std::move(charge), std::move(host), std::move(starter));
    life.run_new();
  });
  ::_exit(code);
}

void spawn_adopted(const state::Store& store, const state::PodKey& key) {
  (void)store;
  Host host = Host::probe();
  const pid_t guard = sys::check(::fork(), "start the guard");
  if (guard > 0) return;
  detach();
  // Supervisor 0: the guard starts the first one itself.
  become_guard(host, key, 0);
}

int supervise(const state::Store& store, const state::PodKey& key) {
  detach();
  ignore_signals();
  name_process(key);
  close_inherited();
  return live(store, key, [&] {
    auto record = store.read(key);
    if (!record) return;
    auto lock = store.lock(key, lock_patience);
    if (!lock) return;  // another supervisor has it
    record = store.read(key);
    if (!record) return store.remove_run_dir(key);  // it was removed while we waited
    if (record->state.finished) return;
    if (!record->infra && !store.read_manifest(key)) {
      // The `up` that began it was cut off before anything was made.
      (void)reconcile(store, cgroup::Hierarchy::detect(), *record, true);
      return;
    }
    Supervisor life(load_charge(store, std::move(lock), std::move(*record), true), Host::probe(),
                    Starter());
    life.run_adopted();
  });
}

}  // namespace pausa::supervisor
