// The supervisor's part for probes and hooks: begins the checks that the life cycle asks for and
// tells it how they ended.
#include "supervisor/check_exec.hpp"
#include "supervisor/member_key.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/wall_clock.hpp"
#include "sys/error.hpp"

#include <algorithm>
#include <array>

namespace pausa::supervisor {
namespace {

constexpr std::array<const char*, pod::probe_kinds> probe_names{"Startup", "Liveness", "Readiness"};
constexpr std::array<const char*, pod::probe_kinds> probe_groups{"pausa-startup", "pausa-liveness",
                                                                 "pausa-readiness"};

std::size_t number(pod::ProbeKind kind) {
  return static_cast<std::size_t>(kind);
}

// nullopt: the container has no port of that name.
std::optional<std::uint16_t> resolve_port(const pod::Container& container,
                                          const pod::PortRef& port) {
  if (port.number != 0) return port.number;
  for (const auto& own : container.ports)
    if (own.name == port.name) return own.container_port;
  return std::nullopt;
}

const pod::PortRef* port_of(const pod::Check& what) {
  if (const auto* http = std::get_if<pod::HttpCheck>(&what)) return &http->port;
  if (const auto* tcp = std::get_if<pod::TcpCheck>(&what)) return &tcp->port;
  return nullptr;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

}  // namespace

std::unique_ptr<Check> Supervisor::begin_check(std::size_t index, const pod::Check& what,
                                               const CheckPurpose& purpose, CheckDone done) {
  const auto& container = containers_[index];
  if (const auto* exec = std::get_if<pod::ExecCheck>(&what)) {
    try {
      return begin_exec(index, *exec, purpose, done);
    } catch (const sys::Error& error) {
      return failed_check(io_, error.what(), std::move(done));
    }
  }
  CheckOptions options;
  options.timeout = purpose.timeout;
  options.hook = purpose.hook;
  if (!charge_.pod.spec.host_network) {
    options.network_pidfd = sandbox_->pidfd.get();
    options.sockets = &sandbox_->sockets;
  }
  if (const auto* port = port_of(what)) {
    const auto resolved = resolve_port(*container.spec, *port);
    if (!resolved) return failed_check(io_, "couldn't find port: " + port->name, std::move(done));
    options.port = *resolved;
  }
  return start_check(io_, what, options, std::move(done));
}

std::unique_ptr<Check> Supervisor::begin_exec(std::size_t index, const pod::ExecCheck& what,
                                              const CheckPurpose& purpose, CheckDone done) {
  auto& container = containers_[index];
  const auto& entry = record_.containers[index];
  auto output = OutputPipe::make();
  ExecOptions options;
  options.argv = what.command;
  ExecPlace place;
  place.timeout = purpose.timeout;
  place.shown = joined(what.command);
  place.key = check_key(++checks_begun_);
  if (!charge_.pod.spec.host_pid) place.infra = &sandbox_->client;
  auto* group = container.group ? &*container.group : nullptr;
  if (group != nullptr) place.group = group->below(purpose.group);
  auto member = prepare_exec(context(), *container.spec, *container.image, group,
                             {container.pidfd.get(), entry.process.pid, entry.own_pid_namespace},
                             options, -1, output.write_end.get(), output.write_end.get(),
                             place.group ? place.group->tasks_fds() : std::vector<int>());
  return std::make_unique<ExecCheck>(io_, std::move(member), std::move(output), std::move(place),
                                     std::move(done));
}

Supervisor::Checks& Supervisor::checks_of(std::size_t index) {
  auto& checks = containers_[index].checks;
  if (!checks) checks = std::make_unique<Checks>();
  return *checks;
}

void Supervisor::probe(std::size_t index, pod::ProbeKind kind) {
  auto& container = containers_[index];
  const auto& probe = container.spec->health.probe(kind);
  if (!probe || !container.pidfd || !sandbox_) return;
  auto& checks = checks_of(index);
  checks.probes[number(kind)] = begin_check(
      index, probe->check, {probe->timeout, false, probe_groups[number(kind)]},
      [this, index, kind](const CheckResult& result) { on_probe(index, kind, result); });
}

// A probe that says what it said before is not worth a record.
void Supervisor::on_probe(std::size_t index, pod::ProbeKind kind, const CheckResult& result) {
  auto& checks = checks_of(index);
  checks.said[number(kind)] = result.message;
  if (result.warning)
    events_.add(true, "ProbeWarning", record_.containers[index].name,
                std::string(probe_names[number(kind)]) + " probe warning: " + result.message);
  checks.probes[number(kind)].reset();
  const auto& state = record_.state.containers[index].probes[number(kind)];
  const auto before = state;
  routine_ = true;
  const auto actions = lifecycle_.handle(
      record_.state, pod::event::ProbeDone{index, kind, result.success, wall_now()}, now());
  if (!actions.empty() || before.row != state.row || before.result != state.result) {
    unsaved_ = true;
    routine_ = false;
  }
  carry_out(actions);
}

void Supervisor::run_hook(std::size_t index, pod::HookKind kind) {
  auto& container = containers_[index];
  const auto& health = container.spec->health;
  const auto& hook = kind == pod::HookKind::post_start ? health.post_start : health.pre_stop;
  if (!hook || !container.pidfd || !sandbox_) return;
  auto& checks = checks_of(index);
  checks.hook =
      begin_check(index, *hook, {std::chrono::nanoseconds(0), true, "pausa-hook"},
                  [this, index, kind](const CheckResult& result) { on_hook(index, kind, result); });
}

void Supervisor::on_hook(std::size_t index, pod::HookKind kind, const CheckResult& result) {
  const bool success = result.success;
  if (!success) {
    const bool start = kind == pod::HookKind::post_start;
    events_.add(true, start ? "FailedPostStartHook" : "FailedPreStopHook",
                record_.containers[index].name,
                std::string(start ? "PostStart" : "PreStop") + " hook failed: " + result.message);
  }
  checks_of(index).hook.reset();
  feed(pod::event::HookDone{index, kind, success, wall_now()});
}

void Supervisor::tell_unhealthy(std::size_t index, pod::ProbeKind kind) {
  events_.add(true, "Unhealthy", record_.containers[index].name,
              std::string(probe_names[number(kind)]) +
                  " probe failed: " + checks_of(index).said[number(kind)]);
}

bool Supervisor::probing() const {
  return std::any_of(containers_.begin(), containers_.end(), [](const Container& container) {
    return container.checks &&
           std::any_of(container.checks->probes.begin(), container.checks->probes.end(),
                       [](const auto& check) { return check != nullptr; });
  });
}

// True when it was a process of one of our checks, or was once.
bool Supervisor::take_check_exit(const infra::Exit& exit) {
  if (!is_check_key(exit.key)) return false;
  (void)sandbox_->client.forget(exit.registration);
  for (auto& container : containers_) {
    if (!container.checks) continue;
    for (auto& check : container.checks->probes)
      if (check && check->take_exit(exit)) return true;
    if (container.checks->hook && container.checks->hook->take_exit(exit)) return true;
  }
  return true;
}

}  // namespace pausa::supervisor
