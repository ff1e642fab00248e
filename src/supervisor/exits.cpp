// The supervisor's part that ends members and hears of their end.
#include "supervisor/member_key.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/wall_clock.hpp"
#include "sys/error.hpp"

#include <signal.h>
#include <sys/wait.h>

#include <cstring>

namespace pausa::supervisor {
namespace {

using Stage = pod::ContainerState::Stage;

// The manifest's ("SIGUSR1", "SIGRTMIN+3"), else the image's STOPSIGNAL (also "QUIT" or a number),
// else SIGTERM.
int stop_signal(const pod::Container& container, const image::ResolvedImage& image) {
  const std::string& given = container.health.stop_signal;
  std::string_view name = given.empty() ? image.config.stop_signal : given;
  if (name.starts_with("SIG")) name.remove_prefix(3);
  for (int number = 1; number < NSIG && !name.empty(); ++number) {
    const char* known = ::sigabbrev_np(number);
    if (name == std::to_string(number) || (known != nullptr && name == known)) return number;
  }
  for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) {
    const int up = number - SIGRTMIN;
    const int down = SIGRTMAX - number;
    if (name == (up == 0 ? "RTMIN" : "RTMIN+" + std::to_string(up)) ||
        name == (down == 0 ? "RTMAX" : "RTMAX-" + std::to_string(down)))
      return number;
  }
  return SIGTERM;
}

}  // namespace

// With hostPID: the member is our child, or was an earlier supervisor's, and then nobody knows how
// it ended.
void Supervisor::watch_own_child(std::size_t index) {
  auto& container = containers_[index];
  container.pidfd_watch = std::make_unique<FdWatch>(io_, container.pidfd.get());
  container.pidfd_watch->wait([this, index] {
    auto& ended = containers_[index];
    infra::Exit exit;
    exit.key = member_key(index, record_.state.containers[index].launches);
    exit.realtime = wall_now();
    try {
      exit.status = sys::reap(ended.pidfd.get());
    } catch (const sys::Error&) {
      exit.status = {CLD_EXITED, 255};
    }
    on_exit(index, exit);
  });
}

void Supervisor::on_infra() {
  take_exits();
  if (infra_watch_) infra_watch_->wait([this] { on_infra(); });
}

// Also after every question to infra: its answer may have been read past exits.
void Supervisor::take_exits() {
  if (!sandbox_ || over_) return;
  std::vector<infra::Exit> exits;
  try {
    while (auto exit = sandbox_->client.next_exit()) exits.push_back(*exit);
    if (sandbox_->client.missed_exits())
      for (const auto& entry : sandbox_->client.table().entries())
        if (entry.exited) exits.push_back(entry.member);
  } catch (const sys::Error&) {
    infra_watch_.reset();  // infra is gone: its pidfd tells
  }
  std::vector<infra::Registration> known;
  for (const auto& exit : exits) {
    if (take_check_exit(exit)) continue;
    const auto index = container_index(exit.key);
    if (index >= containers_.size()) continue;
    on_exit(index, exit);
    known.push_back(exit.registration);
  }
  let_forget(known);
}

// Not before the record has them: else a supervisor that is killed takes the exit codes with it.
void Supervisor::let_forget(const std::vector<infra::Registration>& known) {
  if (known.empty()) return;
  save();
  for (const auto& registration : known) (void)sandbox_->client.forget(registration);
}

void Supervisor::on_exit(std::size_t index, const infra::Exit& exit) {
  auto& container = containers_[index];
  const auto& state = record_.state.containers[index];
  if (exit.key != member_key(index, state.launches)) return;  // an instance that is history
  // One whose launch failed was killed by us, and has been told.
  if (state.stage != Stage::running && state.stage != Stage::starting) return;
  container.pidfd_watch.reset();
  // It may have ended before we heard that it had begun.
  if (container.launch) {
    (void)container.launch->wait_beyond(launch::Launch::Stage::ready, std::chrono::seconds(1));
    on_launch(index);
    if (state.stage != Stage::running) return;
  }
  container.checks.reset();
  if (!record_.state.stopping) ports_.withdraw(*container.spec);
  // What it left behind in its group ends with it, as everywhere.
  if (container.group) (void)container.group->kill();
  const bool oom = container.group && static_cast<std::uint64_t>(container.group->oom_kills()) >
                                          record_.containers[index].oom_kills;
  container.pidfd.reset();
  record_.containers[index].process = {};
  if (container.out) (void)container.out->drain_now();
  if (container.err) (void)container.err->drain_now();
  const int code = exit.status.shell_code();
  const std::string message = last_words(index, code != 0);
  events_.add(code != 0, oom ? "OOMKilling" : "Exited", record_.containers[index].name,
              "container ended with exit code " + std::to_string(code));
  feed(pod::event::Exited{index, code, exit.status.exited() ? 0 : exit.status.status, oom,
                          exit.realtime, message});
}

void Supervisor::terminate(std::size_t index) {
  auto& container = containers_[index];
  if (container.pull ||
      (container.launch && container.launch->stage() != launch::Launch::Stage::started &&
       !container.pidfd)) {
    container.pull.reset();
    abort_launch(index);
    boost::asio::post(io_, [this, index] {
      feed(pod::event::StartFailed{index, "Killed", "stopped before it ran", 143, wall_now()});
    });
    return;
  }
  if (!container.pidfd) return;
  (void)sys::send_signal(container.pidfd.get(), stop_signal(*container.spec, *container.image));
}

void Supervisor::kill(std::size_t index) {
  auto& container = containers_[index];
  if (container.pull) return terminate(index);
  if (container.group) (void)container.group->kill();
  if (container.pidfd) (void)sys::send_signal(container.pidfd.get(), SIGKILL);
}

}  // namespace pausa::supervisor
