#include "cli/aliases.hpp"
#include "cli/commands/commands.hpp"
#include "cli/help.hpp"
#include "cli/job_keeper.hpp"
#include "cli/rollout.hpp"
#include "manifest/sources.hpp"
#include "supervisor/stored_pod.hpp"
#include "sys/error.hpp"
#include "sys/own_program.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>

namespace pausa::cli {

std::span<const Command> commands() {
  static constexpr Command table[]{
      {"up", "run the pods of a manifest", "[OPTION…] FILE…",
       "pausa up web.yaml           # run it\n"
       "pausa up -d web.yaml        # and return when all containers run\n"
       "pausa up --env-file .env --set TAG=2 web.yaml    # ${TAG} in the manifest is 2\n"
       "kustomize build . | pausa up -f -",
       run_up, up_options},
      {"down", "stop pods and remove everything of them", "[OPTION…] [FILE…|POD…|KIND/NAME…|--all]",
       "pausa down web.yaml\npausa down web\npausa down service/db     # its file is lost\npausa "
       "down --all",
       run_down, down_options},
      {"diff", "tell what up would change", "FILE…",
       "pausa diff web.yaml      # exit code 0: nothing, 1: something", run_diff, diff_options},
      {"run-job", "start a Job of a CronJob", "[OPTION…] CRONJOB",
       "pausa run-job nightly              # follow it; exit code 0: Complete, 1: Failed\n"
       "pausa run-job -d --name=extra nightly",
       run_run_job, run_job_options},
      {"ps", "list pods", "[OPTION…] [POD…]",
       "pausa ps\n"
       "pausa ps -a -l tier=front       # those that ended too, by label\n"
       "pausa ps -o json | jq '.items[].status.phase'",
       run_ps, ps_options},
      {"inspect", "print pods as JSON, as kubectl get -o json does", "[OPTION…] POD…",
       "pausa inspect web\npausa inspect -f '{{.status.phase}}' web\n"
       "pausa inspect web | jq .pausa",
       run_inspect, inspect_options},
      {"ns", "show which namespaces the members of a pod share", "[OPTION…] POD",
       "pausa ns web              # same letter: same namespace; *: the host's\n"
       "pausa ns -o wide web      # with inode numbers",
       run_ns, ns_options},
      {"port", "show the published ports of pods", "[OPTION…] [POD [PORT]]",
       "pausa port                # web 80/tcp -> 0.0.0.0:8080, and those of all others\n"
       "pausa port web            # 80/tcp -> 0.0.0.0:8080\n"
       "curl $(pausa port --url web)\n"
       "eval \"$(pausa port --env web)\"; echo $WEB_80_URL",
       run_port, port_options},
      {"port-forward", "lead ports of this machine into a pod, for as long as it runs",
       "[OPTION…] POD|svc/NAME|KIND/NAME [LOCAL:]REMOTE…",
       "pausa port-forward web 8080:80         # also to a server on the pod's 127.0.0.1\n"
       "pausa port-forward deployment/web :http    # a free port here, by name there\n"
       "pausa port-forward --address 0.0.0.0 svc/db 5432 5353:53/udp",
       run_port_forward, port_forward_options},
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
      {"debug", "add a container for debugging to a pod that runs",
       "[OPTION…] POD[/CONTAINER] [[--] COMMAND…]",
       "pausa debug -it web/api              # a shell that sees api's processes\n"
       "pausa debug -i web -- netstat -tln\n"
       "pausa logs $(pausa debug web -- ps)   # without -i it prints its name and is left alone",
       run_debug, debug_options},
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
       "pausa wait --for=ready --timeout 30s web\n"
       "pausa wait --for='log=listening on' web/api\n"
       "pausa wait --for=port=8080 web",
       run_wait, wait_options},
      {"condition", "set a condition of a pod, as readinessGates ask for",
       "[OPTION…] POD TYPE=True|False…",
       "pausa condition web example.com/fed=True\n"
       "pausa condition --reason Drained web example.com/fed=False",
       run_condition, condition_options},
      {"events", "print the history of pods", "[OPTION…] [POD…]",
       "pausa events web\npausa events -f web", run_events, events_options},
      {"describe", "tell all about a pod, for people", "[OPTION…] POD…", "pausa describe web",
       run_describe, describe_options},
      {"why", "tell in sentences why a pod or container is as it is", "[OPTION…] POD[/CONTAINER]…",
       "pausa why web            # what is wrong with it, its last lines, the next step\n"
       "pausa why web/api",
       run_why, why_options},
      {"generate", "print the manifest of pods as they are here", "kube [OPTION…] POD…",
       "pausa generate kube web > web.yaml    # paths are absolute: it works from anywhere",
       run_generate, generate_options},
      {"validate", "check manifests and start nothing", "[OPTION…] FILE…",
       "pausa validate web.yaml          # exit code 3 when there is an error\n"
       "pausa validate -o json manifests/",
       run_validate, validate_options},
      {"explain", "tell what a field of the manifest means, and what becomes of it here", "FIELD…",
       "pausa explain pod.spec\npausa explain pod.spec.containers.image", run_explain,
       explain_options},
      {"image", "pull images, make, list, show, save and remove them",
       "pull NAME… | load FILE [NAME] | save NAME… | import TAR NAME | build-from DIR NAME | ls | "
       "inspect NAME… | tree NAME | tag NAME NEW | lock FILE… | mount [NAME [-- COMMAND…]] | "
       "umount "
       "NAME… | rm NAME… | prune",
       "pausa image pull docker.io/library/nginx:1.27\npausa image ls\n"
       "pausa image save --all -o shop.tar shop.yaml     # all that it needs, for image load\n"
       "pausa image build-from --cmd /app ./rootfs app:1\n"
       "pausa image lock shop.yaml           # what its tags mean now, beside it\n"
       "pausa image mount app:1 -- ls -l     # in its root",
       run_image, image_options},
      {"service", "list Services, tell which pods are behind them", "[OPTION…] ls|describe NAME…",
       "pausa service ls\npausa service describe db", run_service, service_options},
      {"network", "list, make, show and remove networks of pods",
       "[OPTION…] ls|create NAME|inspect NAME…|rm NAME…",
       "pausa network create --internal back\npausa up --network back db.yaml\n"
       "pausa network inspect back",
       run_network, network_options},
      {"policy", "list NetworkPolicies, tell what they let through and which pods they guard",
       "[OPTION…] ls|describe NAME…", "pausa policy ls\npausa policy describe db-only-from-web",
       run_policy, policy_options},
      {"volume", "list claims, show them, remove them with their data",
       "[OPTION…] ls|inspect NAME…|rm NAME…",
       "pausa volume ls\npausa volume inspect db | jq .pausa.path\npausa volume rm db", run_volume,
       volume_options},
      {"system", "tell what takes up the disk, and free it", "[OPTION…] df|prune",
       "pausa system df\npausa system df -o json | jq .layers.bytes\n"
       "pausa system prune --all --dry-run   # what no pod that runs needs",
       run_system, system_options},
      {"doctor", "try out what pausa needs of this machine", "[OPTION…]",
       "pausa doctor\npausa doctor -q          # only what is amiss", run_doctor, doctor_options},
      {"reset", "remove everything that pausa ever made", "[--yes]", "pausa reset", run_reset,
       reset_options},
      {"completion", "print the completion for a shell", "bash|zsh|fish",
       "source <(pausa completion bash)", run_completion, completion_options},
      {"version", "print the version", "[-o json]", "pausa version", run_version, version_options},
      {"__complete", "", "", "", run_complete, nullptr, true},
      {"__man", "", "", "", run_manual, nullptr, true},
      {"supervise", "", "", "", run_supervise, nullptr, true},
      {"keep-job", "", "", "", run_keep_job, nullptr, true},
      {"bring-image", "", "", "", run_bring_image, nullptr, true},
  };
  return table;
}

namespace {

const Command* find_command(std::string_view name) {
  for (const auto& command : commands())
    if (command.name == name) return &command;
  return nullptr;
}

// Those from which processes in pods are forked.
bool enters_pods(std::string_view verb) {
  constexpr std::array verbs{"up",        "start",   "restart",  "exec",        "debug",
                             "supervise", "run-job", "keep-job", "port-forward"};
  return std::find(verbs.begin(), verbs.end(), verb) != verbs.end();
}

// All but those that only tell, and those that must work whatever is amiss.
bool touches_pods(std::string_view verb) {
  constexpr std::array others{"validate",   "explain",  "doctor",     "reset",
                              "completion", "version",  "__man",      "__complete",
                              "supervise",  "keep-job", "bring-image"};
  return std::find(others.begin(), others.end(), verb) == others.end();
}

// Those whose first word is a verb, too: help may be asked for after it.
bool has_verbs(std::string_view verb) {
  constexpr std::array verbs{"image",  "service", "network", "policy",
                             "volume", "system",  "generate"};
  return std::find(verbs.begin(), verbs.end(), verb) != verbs.end();
}

int dispatch(char** argv, Arguments arguments) {
  arguments = without_aliases(std::move(arguments));
  if (!arguments.empty() && enters_pods(arguments[0])) sys::shield_own_program(argv);
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h" ||
      arguments[0] == "help") {
    if (arguments.size() > 1 && find_command(arguments[1]) != nullptr)
      std::cout << help_text(*find_command(arguments[1]));
    else
      std::cout << help_text(commands());
    return arguments.empty() ? exit_usage : exit_ok;
  }
  const Command* command = find_command(arguments[0]);
  if (command == nullptr) throw UsageError(unknown_command(arguments[0], commands()));
  const auto words_end =
      has_verbs(arguments[0])
          ? std::find(arguments.begin(), arguments.end(), "--")
          : arguments.begin() + std::min<std::ptrdiff_t>(2, std::ssize(arguments));
  if (std::any_of(arguments.begin() + 1, words_end,
                  [](const auto& word) { return word == "--help" || word == "-h"; })) {
    std::cout << help_text(*command);
    return exit_ok;
  }
  if (touches_pods(arguments[0])) {
    const state::Store store(state::Paths::from_environment());
    if (!state::Journals(store.paths()).abandoned().empty()) {
      sys::shield_own_program(argv);
      take_back_abandoned(store);
    }
    if (arguments[0] != "down") revive_keepers(store);
  }
  arguments.erase(arguments.begin());
  return command->run(arguments);
}

}  // namespace
}  // namespace pausa::cli

int main(int argc, char** argv) {
  using namespace pausa;
  try {
    sys::fill_stdio();
    const int code = cli::dispatch(argv, {argv + 1, argv + argc});
    errno = 0;
    std::cout.flush();
    if (std::cout && std::ferror(stdout) == 0) return code;
    std::cerr << "pausa: write to standard output: "
              << (errno != 0 ? std::strerror(errno) : "failed") << "\n";
    return code != 0 ? code : cli::exit_failed;
  } catch (const cli::UsageError& wrong) {
    std::cerr << "pausa: " << wrong.what() << "\nSee pausa --help.\n";
    return cli::exit_usage;
  } catch (const cli::NoSuchObject& missing) {
    std::cerr << "pausa: " << missing.what() << "\n";
    return cli::exit_no_such_object;
  } catch (const supervisor::PodGone& gone) {
    std::cerr << "pausa: " << gone.what() << "\n";
    return cli::exit_no_such_object;
  } catch (const std::exception& error) {
    std::cerr << "pausa: " << error.what() << "\n";
    return cli::exit_failed;
  }
}
