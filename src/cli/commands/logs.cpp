#include "cli/commands/commands.hpp"
#include "cli/log_view.hpp"
#include "cli/moment.hpp"
#include "cli/options.hpp"
#include "cli/pod_words.hpp"
#include "cli/terminal.hpp"
#include "cli/workloads.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace pausa::cli {
namespace {

constexpr Option table[]{
    {"follow,f", nullptr, "go on until the pods have ended"},
    {"tail", "N", "only the last N lines of each container, or \"all\""},
    {"since", "TIME", "only lines since then: 5m, an RFC 3339 time, seconds since 1970"},
    {"timestamps,t", nullptr, "begin each line with its time"},
    {"prefix", "[=WHEN]", "container names before the lines: auto (if several), always, never"},
    {"previous,p", nullptr, "of the instance before the last restart"},
    {"container,c", "NAME", "only this container; may be given again"},
    {"no-color", nullptr, "no colours"},
    {"namespace,n", "NAME", "the pods' namespace"}};

// How long a line may stay unfinished before it is shown as it is.
constexpr int prompt_patience_ms = 150;

std::optional<std::uint64_t> tail_from(const Options& options) {
  const auto text = options.get("tail");
  if (!text || *text == "all" || *text == "-1") return std::nullopt;
  std::uint64_t lines = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), lines);
  if (error != std::errc() || end != text->data() + text->size())
    throw UsageError("--tail: \"" + *text + "\" is no number of lines; write 100 or all");
  return lines;
}

LogStyle style_from(const Options& options) {
  LogStyle style;
  const std::string prefix = options.get("prefix").value_or("auto");
  if (prefix == "always" || prefix == "true")
    style.prefix = LogStyle::Prefix::always;
  else if (prefix == "never" || prefix == "false")
    style.prefix = LogStyle::Prefix::never;
  else if (prefix != "auto")
    throw UsageError("--prefix: \"" + prefix + "\" is none of auto, always, never");
  style.timestamps = options.has("timestamps");
  style.colour = !options.has("no-color") && wants_colour(STDOUT_FILENO);
  return style;
}

LogSelection selection_from(const Options& options) {
  LogSelection selection;
  selection.tail = tail_from(options);
  selection.follow = options.has("follow");
  selection.previous = options.has("previous");
  if (selection.previous && selection.follow)
    throw UsageError("--previous has an end: it cannot be followed");
  if (const auto text = options.get("since")) {
    selection.since = parse_moment(*text, std::chrono::system_clock::now());
    if (!selection.since)
      throw UsageError("--since: \"" + *text +
                       "\" is no time; write 5m, 2026-08-01T12:00:00Z or seconds since 1970");
  }
  return selection;
}

// kubectl's --prefix has no value; ours has one behind "=" only.
Arguments with_prefix_value(Arguments arguments) {
  std::replace(arguments.begin(), arguments.end(), std::string("--prefix"),
               std::string("--prefix=always"));
  return arguments;
}

void follow(LogView& view) {
  bool unfinished = false;
  while (!view.ended()) {
    std::array<pollfd, 2> ready{{{view.log_fd(), POLLIN, 0}, {view.state_fd(), POLLIN, 0}}};
    const int polled = ::poll(ready.data(), ready.size(), unfinished ? prompt_patience_ms : -1);
    unfinished = polled != 0;
    if (polled == 0)
      view.print_unfinished();
    else
      view.print();
  }
}

}  // namespace

std::string logs_options() {
  return options_help(table);
}

int run_logs(const Arguments& arguments) {
  const Options options(table, with_prefix_value(arguments));
  const state::Store store(state::Paths::from_environment());
  const auto selection = selection_from(options);
  LogView view(store, selection, style_from(options));
  const auto containers = options.all("container");
  const auto add = [&](const Target& target) {
    // One that should run but has lost its supervisor would be silent for ever.
    if (selection.follow && store.read(target.key)) (void)find_pod(store, target.key);
    if (containers.empty()) view.add(target.key, target.container);
    for (const auto& name : containers) view.add(target.key, name);
  };
  std::vector<state::Damaged> damaged;
  for (const auto& word : options.words())
    for (const auto& target : targets_of(store, word, options.get("namespace"))) add(target);
  if (options.words().empty()) {
    for (const auto& record : store.list(&damaged)) add({record.key, ""});
    for (const auto& key : store.list_without_record()) add({key, ""});
  }
  if (selection.previous && !view.has_logs())
    throw NoSuchObject("no container there has been restarted: there are no previous logs");
  const int broken = tell_damaged(damaged);
  view.print();
  if (selection.follow) follow(view);
  return broken;
}

}  // namespace pausa::cli
