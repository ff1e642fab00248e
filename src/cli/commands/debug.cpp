#include "cli/attach_container.hpp"
#include "cli/bring_images.hpp"
#include "cli/commands/commands.hpp"
#include "cli/environment.hpp"
#include "cli/options.hpp"
#include "cli/supervisor_call.hpp"
#include "cli/target.hpp"
#include "cli/workloads.hpp"
#include "image/library.hpp"
#include "pod/decode.hpp"
#include "pod/validate.hpp"
#include "supervisor/stored_pod.hpp"
#include "sys/error.hpp"

#include <unistd.h>

#include <cstdlib>
#include <iostream>

namespace pausa::cli {
namespace {

constexpr Option table[]{
    {"image", "IMAGE", "its root file system (busybox)"},
    {"target", "CONTAINER", "see the processes of this container, where each has its own"},
    {"container,c", "NAME", "the new container's name (debugger-XXXXX)"},
    {"env,e", "NAME=VALUE", "set a variable; NAME alone takes ours"},
    {"interactive,i", nullptr, "pass standard input on and stay until it ends"},
    {"tty,t", nullptr, "with a terminal"},
    {"attach", nullptr, "stay until it ends, without input"},
    {"namespace,n", "NAME", "the pod's namespace"}};

using pod::Node;

Node list_of(const std::vector<std::string>& words) {
  Node list = Node::make_list();
  for (const auto& word : words) list.push(Node::make_string(word));
  return list;
}

Node variables_of(const Options& options) {
  Node list = Node::make_list();
  for (const auto& pair : environment_from(options)) {
    const auto split = pair.find('=');
    Node variable = Node::make_map();
    variable.set("name", Node::make_string(pair.substr(0, split)));
    variable.set("value", Node::make_string(pair.substr(split + 1)));
    list.push(std::move(variable));
  }
  return list;
}

// As kubectl makes them up.
std::string new_name() {
  constexpr std::string_view letters = "bcdfghjklmnpqrstvwxz2456789";
  std::string name = "debugger-";
  for (const char c : state::make_uid().substr(0, 5))
    name += letters[static_cast<unsigned char>(c) * 7U % letters.size()];
  return name;
}

// kubectl's "general" profile: what a debugger needs beyond what every container may.
Node security_context() {
  Node capabilities = Node::make_map();
  capabilities.set("add", list_of({"SYS_PTRACE"}));
  Node context = Node::make_map();
  context.set("capabilities", std::move(capabilities));
  return context;
}

Node container_from(const Options& options, const std::string& target) {
  Node container = Node::make_map();
  const std::vector<std::string> command(options.words().begin() + 1, options.words().end());
  if (!command.empty()) container.set("command", list_of(command));
  if (Node env = variables_of(options); !env.items.empty()) container.set("env", std::move(env));
  container.set("image", Node::make_string(options.get("image").value_or("busybox")));
  container.set("name", Node::make_string(options.get("container").value_or(new_name())));
  container.set("securityContext", security_context());
  if (options.has("interactive")) container.set("stdin", Node::make_boolean(true));
  const auto wanted = options.get("target").value_or(target);
  if (!wanted.empty()) container.set("targetContainerName", Node::make_string(wanted));
  if (options.has("tty")) container.set("tty", Node::make_boolean(true));
  return container;
}

// The first fault will do: a few options are quickly seen through.
void require_valid(const state::Store& store, const state::Record& record, const Node& container) {
  const auto stored = supervisor::read_stored_pod(store, record.key);
  for (const auto& entry : record.containers)
    if (entry.name == container.find("name")->text)
      throw sys::Error("there is a container " + entry.name + " already");
  for (const auto& finding : pod::validate_ephemeral(stored.object, container)) {
    if (finding.severity != pod::Severity::error) continue;
    constexpr std::string_view head = "spec.ephemeralContainers[0].";
    const std::string text = pod::message(finding);
    throw sys::Error(text.starts_with(head) ? text.substr(head.size()) : text);
  }
}

// Its image is brought before its supervisor looks for it.
void bring(const state::Store& store, const state::PodKey& key, const Node& container) {
  bring_image(store, supervisor::read_stored_pod(store, key).pod, pod::decode_ephemeral(container),
              ::isatty(STDERR_FILENO) == 1 ? PullProgress::bars : PullProgress::plain);
}

void add(const state::Store& store, const state::PodKey& key, const Node& container) {
  control::Request request;
  request.op = control::Op::add;
  request.object = pod::to_json(container);
  // The supervisor does not wait for those who prune.
  const auto kept = image::Library(store.paths().root).keep_all();
  auto call = SupervisorCall::put(store, key, request);
  const auto reply = call ? call->wait() : std::nullopt;
  if (!reply) throw sys::Error("its supervisor does not answer; look with pausa describe");
  if (!reply->ok) throw sys::Error(reply->error);
}

// 126 and 127 say what is wrong with the program, the rest is ours.
int code_of_failure(const state::Store& store, const state::PodKey& key, const std::string& name) {
  const auto record = store.read(key);
  for (std::size_t i = 0; record && i < record->containers.size(); ++i) {
    const auto& end = record->state.containers[i].terminated;
    if (record->containers[i].name == name && end && end->exit_code != 128) return end->exit_code;
  }
  return exit_pausa_failed;
}

}  // namespace

std::string debug_options() {
  return options_help(table);
}

int run_debug(const Arguments& arguments) {
  const Options options(table, arguments, 1);
  if (options.words().empty()) throw UsageError("debug needs a pod");
  const bool interactive = options.has("interactive");
  const bool stays = interactive || options.has("attach");
  if (options.has("tty") && !interactive) throw UsageError("debug: --tty needs --interactive");
  if (options.has("tty") && ::isatty(STDIN_FILENO) == 0)
    std::cerr << "pausa: standard input is no terminal; the container gets one all the same\n";
  const state::Store store(state::Paths::from_environment());
  const auto target = target_of(store, options.words().front(), options.get("namespace"));
  const auto container = container_from(options, target.container);
  const std::string name = container.find("name")->text;
  try {
    const auto record = find_pod(store, target.key);
    require_valid(store, record, container);
    bring(store, target.key, container);
    add(store, target.key, container);
    if (!stays) {
      std::cout << target.key.name << "/" << name << std::endl;
      return exit_ok;
    }
    return attach_container(store, target.key, name, interactive, true);
  } catch (sys::Error& error) {
    error.prepend("pod " + target.key.name);
    std::cerr << "pausa: " << error.what() << "\n";
    return stays ? code_of_failure(store, target.key, name) : static_cast<int>(exit_failed);
  }
}

}  // namespace pausa::cli
