#include "cli/commands/commands.hpp"
#include "cli/environment.hpp"
#include "cli/input_feed.hpp"
#include "cli/log_view.hpp"
#include "cli/options.hpp"
#include "cli/signals.hpp"
#include "cli/target.hpp"
#include "cli/terminal.hpp"
#include "cli/workloads.hpp"
#include "supervisor/pod_access.hpp"
#include "sys/error.hpp"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <iostream>

namespace pausa::cli {
namespace {

constexpr Option table[]{
    {"user,u", "USER[:GROUP]", "run as this user, by name or number"},
    {"workdir,w", "DIR", "run in this directory"},
    {"env,e", "NAME=VALUE", "set a variable; NAME alone takes ours"},
    {"interactive,i", nullptr, "pass standard input on (without --tty it is in any case)"},
    {"tty,t", nullptr, "with a terminal"},
    {"container,c", "NAME", "in this container"},
    {"namespace,n", "NAME", "the pod's namespace"}};

// What the container's first process may not inherit: our stdio need not be there at all.
int open_or_null(int fd) {
  return ::fcntl(fd, F_GETFD) < 0 ? ::open("/dev/null", O_RDWR | O_CLOEXEC) : fd;
}

int wait_for_end(supervisor::ExecSession& session, Signals& signals, const std::string& pod) {
  for (;;) {
    if (const auto end = session.poll_end()) {
      if (end->pod_died) std::cerr << "pausa: pod " << pod << " died while the command ran in it\n";
      return end->code;
    }
    std::array<pollfd, 2> ready{{{session.fd(), POLLIN, 0}, {signals.fd(), POLLIN, 0}}};
    (void)::poll(ready.data(), ready.size(), -1);
    while (const auto number = signals.take())
      if (*number != SIGWINCH) (void)session.signal(*number);
  }
}

// What is in the terminal goes to our stdout. False: it has come to its end.
bool show(int master) {
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t got = ::read(master, buffer.data(), buffer.size());
    if (got < 0) return errno == EAGAIN || errno == EINTR;  // EIO: nobody has it open any more
    if (got == 0) return false;
    write_out(STDOUT_FILENO, {buffer.data(), static_cast<std::size_t>(got)});
  }
}

int converse(supervisor::ExecSession& session, Signals& signals, const std::string& pod,
             bool interactive) {
  const sys::UniqueFd master = session.take_terminal();
  if (!master) throw sys::Error("the command got no terminal");
  (void)::fcntl(master.get(), F_SETFL, O_NONBLOCK);
  fit_terminal(master.get());
  std::optional<InputFeed> feed;
  std::optional<RawTerminal> raw;
  if (interactive) {
    raw.emplace(STDIN_FILENO);
    feed.emplace(master.get(), true, [] {});
  }
  bool open = true;
  for (;;) {
    if (const auto end = session.poll_end()) {
      (void)show(master.get());
      raw.reset();
      if (end->pod_died) std::cerr << "pausa: pod " << pod << " died while the command ran in it\n";
      return end->code;
    }
    std::array<pollfd, 4> ready{{{session.fd(), POLLIN, 0},
                                 {signals.fd(), POLLIN, 0},
                                 {open ? master.get() : -1, POLLIN, 0},
                                 feed ? feed->wants() : pollfd{-1, 0, 0}}};
    (void)::poll(ready.data(), ready.size(), -1);
    while (const auto number = signals.take()) {
      if (*number == SIGWINCH)
        fit_terminal(master.get());
      else
        (void)session.signal(*number);
    }
    if (open) open = show(master.get());
    if (feed) feed->go_on(ready[3]);
  }
}

int execute(const state::Store& store, const Target& target, const supervisor::ExecOptions& options,
            bool interactive) {
  const auto record = find_pod(store, target.key);
  const auto container = pick_container(store, record, target.container);
  Signals signals{SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH};
  const bool terminal = options.terminal;
  supervisor::ExecSession session(
      store, record, container, options, terminal ? -1 : open_or_null(STDIN_FILENO),
      terminal ? -1 : open_or_null(STDOUT_FILENO), terminal ? -1 : open_or_null(STDERR_FILENO));
  if (const auto failure = session.start()) {
    std::cerr << "pausa: pod " << target.key.name << ": container "
              << record.containers[container].name << ": " << failure->message << "\n";
    // 126 and 127 say what is wrong with the program, the rest is ours.
    return failure->exit_code == 128 ? static_cast<int>(exit_pausa_failed) : failure->exit_code;
  }
  if (terminal) return converse(session, signals, target.key.name, interactive);
  return wait_for_end(session, signals, target.key.name);
}

}  // namespace

std::string exec_options() {
  return options_help(table);
}

int run_exec(const Arguments& arguments) {
  const Options options(table, arguments, 1);
  if (options.words().empty()) throw UsageError("exec needs a pod and a command");
  const state::Store store(state::Paths::from_environment());
  auto target = target_of(store, options.words().front(), options.get("namespace"));
  if (const auto name = options.get("container")) target.container = *name;
  supervisor::ExecOptions what;
  what.argv.assign(options.words().begin() + 1, options.words().end());
  if (what.argv.empty()) throw UsageError("exec needs a command to run in " + target.key.name);
  what.terminal = options.has("tty");
  what.env = environment_from(options);
  what.user = options.get("user");
  what.working_dir = options.get("workdir");
  try {
    return execute(store, target, what, options.has("interactive"));
  } catch (sys::Error& error) {
    if (const auto scope = "pod " + target.key.name;
        !std::string_view(error.what()).starts_with(scope + ": "))
      error.prepend(scope);
    std::cerr << "pausa: " << error.what() << "\n";
    return exit_pausa_failed;
  }
}

}  // namespace pausa::cli
