#include "cli/attach_container.hpp"

#include "cli/command.hpp"
#include "cli/input_feed.hpp"
#include "cli/log_view.hpp"
#include "cli/signals.hpp"
#include "cli/target.hpp"
#include "cli/terminal.hpp"
#include "supervisor/pod_access.hpp"
#include "sys/error.hpp"
#include "sys/process.hpp"

#include <poll.h>
#include <signal.h>

#include <array>
#include <iostream>

namespace pausa::cli {
namespace {

// How long a line may stay unfinished before it is shown as it is.
constexpr int prompt_patience_ms = 150;

std::optional<std::size_t> index_of(const state::Record& record, const std::string& name) {
  for (std::size_t i = 0; i < record.containers.size(); ++i)
    if (record.containers[i].name == name) return i;
  return std::nullopt;
}

void pass_signal(const state::Store& store, const state::PodKey& key, const std::string& name,
                 int number) {
  const auto record = store.read(key);
  const auto index = record ? index_of(*record, name) : std::nullopt;
  if (!index) return;
  if (const auto process = sys::open_process(record->containers[*index].process))
    (void)sys::send_signal(process->get(), number);
}

int code_of(const state::Store& store, const state::PodKey& key, const std::string& name) {
  constexpr int killed = 137;
  const auto record = store.read(key);
  const auto index = record ? index_of(*record, name) : std::nullopt;
  if (index && record->state.containers[*index].terminated)
    return record->state.containers[*index].terminated->exit_code;
  std::cerr << "pausa: pod " << key.name << " was removed while " << name << " ran in it\n";
  return killed;
}

}  // namespace

int attach_container(const state::Store& store, const state::PodKey& key, const std::string& name,
                     bool input, bool once) {
  const auto record = find_pod(store, key);
  const auto index = index_of(record, name);
  if (!index) throw NoSuchObject("no container " + name + " in pod " + key.name);
  Signals signals{SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGWINCH};
  LogSelection selection;
  selection.follow = true;
  LogView view(store, selection, {LogStyle::Prefix::never, false, false, true});
  view.add(key, name);
  std::optional<supervisor::ContainerInput> channel;
  std::optional<InputFeed> feed;
  if (input) {
    channel.emplace(store, record, *index);
    if (channel->fd() >= 0)
      feed.emplace(channel->fd(), channel->terminal(), [&channel, once] { channel->close(once); });
  }
  const bool terminal = channel && channel->terminal();
  std::optional<RawTerminal> raw;
  if (terminal) {
    raw.emplace(STDIN_FILENO);
    fit_terminal(channel->fd());
  }
  int interrupts = 0;
  bool unfinished = false;
  view.print();
  while (!view.ended()) {
    std::array<pollfd, 4> ready{{{view.log_fd(), POLLIN, 0},
                                 {view.state_fd(), POLLIN, 0},
                                 {signals.fd(), POLLIN, 0},
                                 feed ? feed->wants() : pollfd{-1, 0, 0}}};
    const int polled = ::poll(ready.data(), ready.size(), unfinished ? prompt_patience_ms : -1);
    while (const auto number = signals.take()) {
      if (*number == SIGWINCH) {
        if (terminal) fit_terminal(channel->fd());
        continue;
      }
      if (terminal || (*number == SIGINT && ++interrupts > 1)) return exit_interrupted;
      pass_signal(store, key, name, *number);
    }
    if (feed) feed->go_on(ready[3]);
    view.print();
    if (terminal || polled == 0) view.print_unfinished();
    unfinished = !terminal && polled != 0;
  }
  raw.reset();
  return code_of(store, key, name);
}

}  // namespace pausa::cli
