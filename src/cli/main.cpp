#include "cli/commands/commands.hpp"
#include "manifest/sources.hpp"
#include "sys/error.hpp"

#include <cstring>
#include <iostream>

namespace pausa::cli {

const std::vector<Command>& commands() {
  static const std::vector<Command> table{
      {"up", "run the pods of a manifest", "[OPTION…] FILE…",
       "pausa up web.yaml           # run it\n"
       "pausa up -d web.yaml        # and return when all containers run\n"
       "kustomize build . | pausa up -f -",
       run_up, up_options},
      {"down", "stop pods and remove everything of them", "[OPTION…] [FILE…|POD…|--all]",
       "pausa down web.yaml\npausa down web\npausa down --all", run_down, down_options},
      {"ps", "list pods", "[OPTION…] [POD…]", "pausa ps\npausa ps -a", run_ps, ps_options},
      {"logs", "print what containers wrote", "[OPTION…] [POD[/CONTAINER]…]",
       "pausa logs web              # all containers, merged by time\n"
       "pausa logs -f web/api       # and go on\n"
       "pausa logs --tail 20 -t     # of every pod",
       run_logs, logs_options},
      {"exec", "run a command in a container", "[OPTION…] POD[/CONTAINER] [--] COMMAND…",
       "pausa exec web ls /\n"
       "pausa exec -u 1000 -w /tmp web/api sh -c 'id; pwd'\n"
       "pausa exec web/db cat < dump.sql",
       run_exec, exec_options},
      {"stop", "stop pods and keep them", "[OPTION…] POD…|--all",
       "pausa stop web\npausa stop -t 0 web     # at once", run_stop, stop_options},
      {"start", "start stopped pods again", "[OPTION…] POD…|--all", "pausa start web", run_start,
       start_options},
      {"restart", "restart pods, or containers in the living pod",
       "[OPTION…] POD[/CONTAINER]…|--all", "pausa restart web/api    # its neighbours run on",
       run_restart, restart_options},
      {"rm", "remove pods that have ended", "[OPTION…] POD…|--all",
       "pausa rm web\npausa rm -f web          # even if it runs", run_rm, rm_options},
      {"wait", "wait for pods", "[--for=WHAT] [--timeout TIME] POD[/CONTAINER]…|--all",
       "pausa wait web                       # until it has ended; prints its exit code\n"
       "pausa wait --for=ready --timeout 30s web",
       run_wait, wait_options},
      {"events", "print the history of pods", "[OPTION…] [POD…]",
       "pausa events web\npausa events -f web", run_events, events_options},
      {"supervise", "", "", "", run_supervise, nullptr, true},
  };
  return table;
}

namespace {

void print_help(std::ostream& out) {
  out << "pausa runs Kubernetes Pod YAML on this machine.\n\n"
         "  pausa up manifests/01-hello.yaml     # run a pod\n"
         "  pausa ps                             # see it\n"
         "  pausa down --all                     # remove it\n\nCommands:\n";
  for (const auto& command : commands()) {
    if (command.hidden) continue;
    out << "  " << command.name
        << std::string(12 - std::min<std::size_t>(11, command.name.size()), ' ') << command.summary
        << "\n";
  }
  out << "\npausa COMMAND --help tells more about each.\n";
}

void print_help(const Command& command, std::ostream& out) {
  out << "pausa " << command.name << " " << command.synopsis << "\n    " << command.summary
      << "\n\n";
  if (!command.examples.empty()) out << command.examples << "\n\n";
  if (command.options != nullptr) out << command.options();
}

const Command* find_command(std::string_view name) {
  for (const auto& command : commands())
    if (command.name == name) return &command;
  return nullptr;
}

int dispatch(Arguments arguments) {
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h" ||
      arguments[0] == "help") {
    if (arguments.size() > 1 && find_command(arguments[1]) != nullptr)
      print_help(*find_command(arguments[1]), std::cout);
    else
      print_help(std::cout);
    return arguments.empty() ? exit_usage : exit_ok;
  }
  const Command* command = find_command(arguments[0]);
  if (command == nullptr) throw UsageError("unknown command \"" + arguments[0] + "\"");
  if (arguments.size() > 1 && (arguments[1] == "--help" || arguments[1] == "-h")) {
    print_help(*command, std::cout);
    return exit_ok;
  }
  arguments.erase(arguments.begin());
  return command->run(arguments);
}

}  // namespace
}  // namespace pausa::cli

int main(int argc, char** argv) {
  using namespace pausa;
  std::ios::sync_with_stdio(false);
  try {
    const int code = cli::dispatch({argv + 1, argv + argc});
    std::cout.flush();
    return code;
  } catch (const cli::UsageError& wrong) {
    std::cerr << "pausa: " << wrong.what() << "\nSee pausa --help.\n";
    return cli::exit_usage;
  } catch (const cli::NoSuchObject& missing) {
    std::cerr << "pausa: " << missing.what() << "\n";
    return cli::exit_no_such_object;
  } catch (const std::exception& error) {
    std::cerr << "pausa: " << error.what() << "\n";
    return cli::exit_failed;
  }
}
