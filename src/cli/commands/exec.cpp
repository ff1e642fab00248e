#include "cli/commands/commands.hpp"
#include "cli/options.hpp"
#include "cli/signals.hpp"
#include "cli/target.hpp"
#include "cli/workloads.hpp"
#include "supervisor/pod_access.hpp"
#include "sys/error.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <iostream>

namespace pausa::cli {
namespace {

const std::vector<Option> table{
    {"user,u", "USER[:GROUP]", "run as this user, by name or number"},
    {"workdir,w", "DIR", "run in this directory"},
    {"env,e", "NAME=VALUE", "set a variable; NAME alone takes ours"},
    {"interactive,i", nullptr, "pass standard input on (it is in any case)"},
    {"tty,t", nullptr, "with a terminal (not in this version)"},
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
    while (const auto number = signals.take()) (void)session.signal(*number);
  }
}

int execute(const state::Store& store, const Target& target,
            const supervisor::ExecOptions& options) {
  const auto record = find_pod(store, target.key);
  const auto container = pick_container(store, record, target.container);
  Signals signals{SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2};
  supervisor::ExecSession session(store, record, container, options, open_or_null(STDIN_FILENO),
                                  open_or_null(STDOUT_FILENO), open_or_null(STDERR_FILENO));
  if (const auto failure = session.start()) {
    std::cerr << "pausa: pod " << target.key.name << ": container "
              << record.containers[container].name << ": " << failure->message << "\n";
    // 126 and 127 say what is wrong with the program, the rest is ours.
    return failure->exit_code == 128 ? static_cast<int>(exit_pausa_failed) : failure->exit_code;
  }
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
  if (options.has("tty"))
    throw UsageError(
        "exec: this version has no terminals; leave --tty out (the command's streams are yours)");
  what.env = variables_from(options);
  what.user = options.get("user");
  what.working_dir = options.get("workdir");
  try {
    return execute(store, target, what);
  } catch (sys::Error& error) {
    if (const auto scope = "pod " + target.key.name;
        !std::string_view(error.what()).starts_with(scope + ": "))
      error.prepend(scope);
    std::cerr << "pausa: " << error.what() << "\n";
    return exit_pausa_failed;
  }
}

}  // namespace pausa::cli
