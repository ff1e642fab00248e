#include "cli/diagnosis.hpp"

#include "cli/size_text.hpp"
#include "pod/time_text.hpp"

#include <signal.h>
#include <string.h>

namespace pausa::cli {
namespace {

using Stage = pod::ContainerState::Stage;

constexpr int not_executable = 126;
constexpr int not_found = 127;
constexpr int signal_base = 128;

std::string signal_text(int number) {
  const char* name = ::sigabbrev_np(number);
  return "signal " + std::to_string(number) +
         (name != nullptr ? " (SIG" + std::string(name) + ")" : "");
}

std::string times(std::uint32_t count) {
  return count == 1 ? "once" : count == 2 ? "twice" : std::to_string(count) + " times";
}

// What is known of an exit code beyond its number.
std::string meaning(int code) {
  if (code == not_executable) return ", by which a shell says that a command cannot be executed";
  if (code == not_found) return ", by which a shell says that a command was not found";
  if (code > signal_base && code < signal_base + NSIG)
    return ", by which a shell says that a command was ended by " + signal_text(code - signal_base);
  return "";
}

std::string end_text(const pod::Container& spec, const pod::Termination& end, pod::WallTime now) {
  std::string text;
  const std::string code = "exit code " + std::to_string(end.exit_code);
  const bool never_ran = end.started.count() == 0;
  if (never_ran && !end.message.empty()) {
    text = "could not be started";
  } else if (end.reason == "OOMKilled") {
    text = "was killed by the kernel, because it needed more memory than ";
    text += spec.resources.limit_memory_bytes
                ? "its limit of " + quantity_size(*spec.resources.limit_memory_bytes)
                : std::string("there was");
    text += " (OOMKilled, " + code + ")";
  } else if (end.signal != 0) {
    text = "was ended by " + signal_text(end.signal) + ", " + code;
  } else {
    text = "ended with " + code + meaning(end.exit_code);
  }
  if (end.finished.count() != 0) {
    text += ", " + pod::age_text(now - end.finished) + " ago";
    if (!never_ran) text += " after " + pod::age_text(end.finished - end.started);
  }
  if (!end.message.empty()) text += ": " + end.message;
  return text;
}

std::string next_step(const pod::Container& spec, const pod::Termination& end,
                      const std::string& target, bool previous) {
  const std::string logs = "pausa logs " + std::string(previous ? "--previous " : "") + target;
  if (end.exit_code == 0) return "";
  if (end.started.count() == 0 && !end.message.empty()) {
    if (end.exit_code == not_found || end.exit_code == not_executable)
      return "correct command or image of container " + spec.name +
             " in the manifest; then pausa down and up";
    return "mend what the sentence names; then pausa down and up";
  }
  if (end.reason == "OOMKilled")
    return "raise resources.limits.memory of container " + spec.name +
           ", or see what it did: " + logs;
  return "see what it wrote: " + logs;
}

}  // namespace

Diagnosis diagnose(const pod::Container& spec, const pod::ContainerState& state,
                   const std::string& target, pod::WallTime now) {
  Diagnosis found;
  const auto& last = state.last;
  switch (state.stage) {
    case Stage::running:
      found.text = "runs since " + pod::age_text(now - state.started) + ".";
      break;
    case Stage::starting:
      found.text = "is being started.";
      break;
    case Stage::waiting:
      found.text = "waits (" + state.waiting_reason +
                   (state.waiting_message.empty() ? "" : ": " + state.waiting_message) + ").";
      found.trouble = last && last->exit_code != 0;
      if (state.waiting_reason == pod::config_error) {
        found.trouble = true;
        found.next = "bring what is missing with pausa up; it is then started at once";
        return found;
      }
      if (pod::is_image_reason(state.waiting_reason)) {
        found.trouble = true;
        found.next = "pausa image pull " + spec.image + " shows what is wrong; pausa restart " +
                     target + " then tries at once";
        return found;
      }
      break;
    case Stage::terminated:
      found.text = end_text(spec, *state.terminated, now) + ".";
      found.trouble = state.terminated->exit_code != 0;
      found.next = next_step(spec, *state.terminated, target, false);
      break;
  }
  if (state.restart_count > 0)
    found.text += " It was started again " + times(state.restart_count) + ".";
  if (last && state.stage != Stage::terminated) {
    found.text += " Before, it " + end_text(spec, *last, now) + ".";
    found.trouble = found.trouble || last->exit_code != 0;
    found.next = next_step(spec, *last, target, state.stage == Stage::running);
  }
  return found;
}

}  // namespace pausa::cli
