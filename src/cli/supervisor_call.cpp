#include "cli/supervisor_call.hpp"

#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <iostream>

namespace pausa::cli {
namespace {

constexpr std::chrono::milliseconds round_time(200);
constexpr std::chrono::seconds stopped_patience(2);
constexpr std::chrono::seconds ping_interval(5);
// Longer than all that a supervisor waits for in one go while it tears a pod down.
constexpr std::chrono::seconds ping_patience(30);
constexpr std::chrono::seconds death_patience(5);
constexpr std::chrono::milliseconds at_once(0);

sys::UniqueFd run_folder(const state::Store& store, const state::PodKey& key) {
  return sys::try_open_at(AT_FDCWD, store.paths().run_dir(key), O_RDONLY | O_DIRECTORY);
}

}  // namespace

Pulse::Pulse(const state::Store& store, state::PodKey key)
    : store_(&store), key_(std::move(key)), asked_(Clock::now()) {
  try {
    if (const auto record = store_->read(key_)) supervisor_ = record->supervisor;
  } catch (const sys::Error&) {
    // A damaged record: nobody is known to be killed.
  }
}

std::string Pulse::why_lost() {
  const auto now = Clock::now();
  if (!sys::is_stopped(supervisor_)) {
    stopped_since_.reset();
  } else if (!stopped_since_) {
    stopped_since_ = now;
  } else if (now - *stopped_since_ >= stopped_patience) {
    return "is stopped";
  }
  if (ping_) {
    if (ping_->ready(at_once))
      ping_.reset();
    else if (now - asked_ >= ping_patience)
      return "does not answer";
  } else if (now - asked_ >= ping_interval) {
    asked_ = now;
    if (const auto run_dir = run_folder(*store_, key_))
      ping_ = control::Call::put(run_dir.get(), control::Request());
  }
  return {};
}

void Pulse::end_supervisor(const std::string& why) const {
  const auto process = sys::open_process(supervisor_);
  if (!process) return;
  const std::string name = "its supervisor (pid " + std::to_string(supervisor_.pid) + ")";
  std::cerr << "pausa: pod " << key_.name << ": " << name << " " << why
            << "; killing it, the next one takes over" << std::endl;
  (void)sys::send_signal(process->get(), SIGKILL);
  if (!sys::wait_dead(process->get(), death_patience))
    throw sys::Error("pod " + key_.name + ": " + name + " hangs in the kernel and does not die");
}

std::optional<SupervisorCall> SupervisorCall::put(const state::Store& store,
                                                  const state::PodKey& key,
                                                  const control::Request& request) {
  const auto run_dir = run_folder(store, key);
  if (!run_dir) return std::nullopt;
  auto call = control::Call::put(run_dir.get(), request);
  if (!call) return std::nullopt;
  return SupervisorCall(store, key, std::move(*call));
}

SupervisorCall::Heard SupervisorCall::listen(const Patience& patience) {
  while (!lost_) {
    auto round = round_time;
    if (patience.deadline)
      round = std::clamp(std::chrono::ceil<std::chrono::milliseconds>(
                             *patience.deadline - std::chrono::steady_clock::now()),
                         at_once, round_time);
    std::array<pollfd, 2> ready{{{call_.fd(), POLLIN, 0}, {patience.interrupt, POLLIN, 0}}};
    (void)::poll(ready.data(), ready.size(), static_cast<int>(round.count()));
    if (ready[0].revents != 0) break;
    if (ready[1].revents != 0) return Heard::interrupted;
    if (patience.deadline && std::chrono::steady_clock::now() >= *patience.deadline)
      return Heard::timed_out;
    if (!pulse_) pulse_.emplace(*store_, key_);
    if (const std::string why = pulse_->why_lost(); !why.empty()) {
      pulse_->end_supervisor(why);
      lost_ = true;
    }
  }
  return Heard::settled;
}

std::optional<control::Reply> SupervisorCall::wait() {
  (void)listen({});
  return lost_ ? std::nullopt : call_.wait(at_once);
}

}  // namespace pausa::cli
