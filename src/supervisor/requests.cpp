// The supervisor's part that hears what commands want, and answers when it is done.
#include "supervisor/supervisor.hpp"
#include "supervisor/wall_clock.hpp"
#include "sys/error.hpp"

#include <signal.h>

namespace pausa::supervisor {
namespace {

using Stage = pod::ContainerState::Stage;

}  // namespace

void Supervisor::on_control(const control::Request& request, ControlServer::Answer answer) {
  using control::Op;
  const auto grace = request.grace_ms
                         ? std::chrono::nanoseconds(std::chrono::milliseconds(*request.grace_ms))
                         : std::chrono::nanoseconds(charge_.pod.spec.termination_grace_period);
  switch (request.op) {
    case Op::ping:
      answer({});
      return;
    case Op::refresh:
      answer(refresh());
      return;
    case Op::remove:
      record_.desired = state::Desired::removed;
      stop_answers_.push_back(std::move(answer));
      stop_pod(grace);
      return;
    case Op::stop:
      if (record_.desired == state::Desired::running) record_.desired = state::Desired::stopped;
      stop_answers_.push_back(std::move(answer));
      stop_pod(grace);
      return;
    case Op::condition:
      answer(set_condition(request.object));
      return;
    case Op::add:
      try {
        add_container(request.object, answer);
      } catch (const sys::Error& error) {
        answer({false, error.what()});
      }
      return;
    case Op::update:
      try {
        update(request.images, answer);
      } catch (const sys::Error& error) {
        answer({false, error.what()});
      }
      return;
    case Op::restart: {
      for (std::size_t i = 0; i < containers_.size(); ++i) {
        const auto& entry = record_.containers[i];
        if (entry.name != request.container) continue;
        if (entry.init && !record_.state.containers[i].sidecar) continue;
        if (!entry.ephemeral.empty())
          return answer({false, "container " + entry.name + " is for debugging and runs once"});
        restart_answers_.emplace_back(i, std::move(answer));
        feed(pod::event::Restart{i, grace, wall_now()});
        return;
      }
      answer({false, "no container " + request.container + " in pod " + record_.key.name});
      return;
    }
  }
}

void Supervisor::stop_pod(std::chrono::nanoseconds grace) {
  save();  // what is wanted stands in the record before anything is done about it
  wake_infra();
  feed(pod::event::Stop{grace, wall_now()});
}

// Members end unheard while somebody has stopped infra, which can be done from the host only.
void Supervisor::wake_infra() {
  if (sys::is_stopped(record_.infra))
    if (const auto infra = sys::open_process(record_.infra))
      (void)sys::send_signal(infra->get(), SIGCONT);
}

// Who is answered may look at the record and the events at once: they are written first.
void Supervisor::answer_restarts() {
  std::vector<std::pair<ControlServer::Answer, control::Reply>> ready;
  std::erase_if(restart_answers_, [&](auto& waiting) {
    const auto& state = record_.state.containers[waiting.first];
    if (state.restart_requested || state.stage == Stage::starting) return false;
    if (state.stage == Stage::running) {
      ready.emplace_back(std::move(waiting.second), control::Reply());
      return true;
    }
    const auto& end = state.terminated ? state.terminated : state.last;
    std::string why = end ? end->message : "";
    if (pod::waits_for_missing(state))
      why = (pod::is_image_reason(state.waiting_reason) ? state.waiting_reason + ": " : "") +
            state.waiting_message;
    ready.emplace_back(
        std::move(waiting.second),
        control::Reply{false, "container " + record_.containers[waiting.first].name +
                                  (state.ephemeral ? " did not start" : " did not start again") +
                                  (why.empty() ? "" : ": " + why)});
    return true;
  });
  if (ready.empty()) return;
  if (unsaved_) save();
  events_.flush();
  for (const auto& [answer, reply] : ready) answer(reply);
}

}  // namespace pausa::supervisor
