#include "cli/commands/commands.hpp"
#include "cli/event_list.hpp"
#include "cli/inspect_object.hpp"
#include "cli/options.hpp"
#include "cli/pod_list.hpp"
#include "cli/table.hpp"
#include "cli/target.hpp"
#include "cli/workloads.hpp"

#include <algorithm>
#include <iostream>
#include <sstream>

namespace pausa::cli {
namespace {

using pod::Node;

constexpr Option table[]{{"namespace,n", "NAME", "the pod's namespace"}};

constexpr std::size_t most_events = 20;

std::string value_of(const Node& node) {
  if (node.is_string()) return node.text;
  return node.is_null() ? "-" : pod::to_json(node);
}

const Node* at(const Node& node, std::initializer_list<const char*> path) {
  const Node* here = &node;
  for (const char* key : path)
    if (here != nullptr) here = here->find(key);
  return here;
}

class Description {
 public:
  void line(int depth, const std::string& name, const std::string& value) {
    constexpr std::size_t width = 20;
    std::string text(static_cast<std::size_t>(depth) * 2, ' ');
    text += name + ":";
    if (!value.empty()) text.append(text.size() < width ? width - text.size() : 1, ' ');
    for (const char c : value)
      text += static_cast<unsigned char>(c) < 0x20 || c == '\x7f' ? '?' : c;
    out_ += text + "\n";
  }
  void add(int depth, const std::string& name, const Node* value) {
    if (value != nullptr && !value->is_null()) line(depth, name, value_of(*value));
  }
  void map(int depth, const std::string& name, const Node* value) {
    if (value == nullptr || value->entries.empty()) return;
    line(depth, name, "");
    for (const auto& entry : value->entries) line(depth + 1, entry.key, value_of(entry.value));
  }
  void raw(const std::string& text) { out_ += text; }
  const std::string& text() const { return out_; }

 private:
  std::string out_;
};

void state_lines(Description& out, const char* title, const Node* state) {
  if (state == nullptr || state->entries.empty()) return;
  const auto& entry = state->entries.front();
  std::string name = entry.key;
  name.front() = static_cast<char>(name.front() - 'a' + 'A');
  out.line(2, title, name);
  for (const auto& [key, label] : {std::pair("reason", "Reason"),
                                   {"message", "Message"},
                                   {"exitCode", "Exit code"},
                                   {"signal", "Signal"},
                                   {"startedAt", "Started"},
                                   {"finishedAt", "Finished"}})
    out.add(3, label, entry.value.find(key));
}

std::string joined(const Node* list) {
  std::string text;
  if (list != nullptr)
    for (const auto& item : list->items) text += (text.empty() ? "" : " ") + value_of(item);
  return text;
}

void container_lines(Description& out, const Node& spec, const Node* status, const Node* ours) {
  out.line(1, value_of(*spec.find("name")), "");
  out.add(2, "Image", spec.find("image"));
  if (status != nullptr) out.add(2, "Image is", status->find("imageID"));
  if (const auto command = joined(spec.find("command")); !command.empty())
    out.line(2, "Command", command);
  if (const auto args = joined(spec.find("args")); !args.empty()) out.line(2, "Args", args);
  if (const auto* ports = spec.find("ports")) {
    std::string text;
    for (const auto& port : ports->items)
      if (const auto* number = port.find("containerPort"))
        text += (text.empty() ? "" : ", ") + value_of(*number);
    if (!text.empty()) out.line(2, "Ports", text);
  }
  if (status != nullptr) {
    state_lines(out, "State", status->find("state"));
    state_lines(out, "Last state", status->find("lastState"));
    out.add(2, "Ready", status->find("ready"));
    out.add(2, "Restarts", status->find("restartCount"));
  }
  out.map(2, "Limits", at(spec, {"resources", "limits"}));
  out.map(2, "Requests", at(spec, {"resources", "requests"}));
  if (const auto* mounts = spec.find("volumeMounts"); mounts != nullptr && !mounts->items.empty()) {
    out.line(2, "Mounts", "");
    for (const auto& mount : mounts->items)
      if (mount.find("mountPath") != nullptr && mount.find("name") != nullptr)
        out.line(3, value_of(*mount.find("mountPath")), "from " + value_of(*mount.find("name")));
  }
  if (ours != nullptr) {
    out.add(2, "Process", ours->find("pid"));
    out.add(2, "Log", ours->find("log"));
  }
}

void container_section(Description& out, const Node& object, const char* title, const char* field,
                       const char* statuses) {
  const Node* list = at(object, {"spec", field});
  if (list == nullptr || list->items.empty()) return;
  out.line(0, title, "");
  const Node* all = at(object, {"status", statuses});
  for (const auto& spec : list->items) {
    const Node* name = spec.find("name");
    if (name == nullptr) continue;
    const Node* status = nullptr;
    if (all != nullptr)
      for (const auto& candidate : all->items)
        if (candidate.find("name") != nullptr && *candidate.find("name") == *name)
          status = &candidate;
    const Node* containers = at(object, {"pausa", "containers"});
    container_lines(out, spec, status,
                    containers != nullptr ? containers->find(name->text) : nullptr);
  }
}

void event_lines(Description& out, const state::Store& store, const state::PodKey& key) {
  const auto events = read_events(store, key);
  if (events.empty()) return;
  out.line(0, "Events", "");
  Table rows({"TIME", "TYPE", "REASON", "CONTAINER", "MESSAGE"});
  const auto begin = events.size() > most_events ? events.size() - most_events : 0;
  for (std::size_t i = begin; i < events.size(); ++i) {
    const auto& event = events[i];
    rows.add({event.time.substr(0, 19) + "Z", event.type, event.reason,
              event.container.empty() ? "-" : event.container, event.message});
  }
  std::istringstream formatted(rows.text());
  for (std::string line; std::getline(formatted, line);) out.raw("  " + line + "\n");
}

std::string describe(const state::Store& store, const state::PodKey& key) {
  Node object;
  std::string status = "Stopped";
  if (store.read(key)) {
    const auto record = as_of_now(find_pod(store, key));
    object = inspect_object(store, record);
    status = entry_of(record).status;
  } else if (store.read_manifest(key)) {
    object = inspect_without_record(store, key);
  } else {
    throw NoSuchObject("no pod " + key.name + " in namespace " + key.namespace_);
  }
  Description out;
  out.add(0, "Name", at(object, {"metadata", "name"}));
  out.add(0, "Namespace", at(object, {"metadata", "namespace"}));
  out.add(0, "UID", at(object, {"metadata", "uid"}));
  out.add(0, "Node", at(object, {"spec", "nodeName"}));
  out.add(0, "Start time", at(object, {"status", "startTime"}));
  out.map(0, "Labels", at(object, {"metadata", "labels"}));
  out.map(0, "Annotations", at(object, {"metadata", "annotations"}));
  out.line(0, "Status", status);
  out.add(0, "Phase", at(object, {"status", "phase"}));
  out.add(0, "Reason", at(object, {"status", "reason"}));
  out.add(0, "Message", at(object, {"status", "message"}));
  out.add(0, "IP", at(object, {"status", "podIP"}));
  out.add(0, "QoS class", at(object, {"status", "qosClass"}));
  out.add(0, "Infra process", at(object, {"pausa", "infra", "pid"}));
  out.add(0, "Supervisor", at(object, {"pausa", "supervisor", "pid"}));
  if (const auto why = store.read_failure(key); why && status != "Stopped")
    out.line(0, "Supervisor fails", *why);
  container_section(out, object, "Init containers", "initContainers", "initContainerStatuses");
  container_section(out, object, "Containers", "containers", "containerStatuses");
  container_section(out, object, "Ephemeral containers", "ephemeralContainers",
                    "ephemeralContainerStatuses");
  if (const auto* conditions = at(object, {"status", "conditions"})) {
    out.line(0, "Conditions", "");
    for (const auto& condition : conditions->items) {
      const Node* message = condition.find("message");
      out.line(1, value_of(*condition.find("type")),
               value_of(*condition.find("status")) +
                   (message != nullptr ? "  (" + value_of(*message) + ")" : ""));
    }
  }
  if (const auto* volumes = at(object, {"spec", "volumes"});
      volumes != nullptr && !volumes->items.empty()) {
    out.line(0, "Volumes", "");
    for (const auto& volume : volumes->items)
      for (const auto& entry : volume.entries)
        if (entry.key != "name" && volume.find("name") != nullptr)
          out.line(1, value_of(*volume.find("name")), entry.key + " " + pod::to_json(entry.value));
  }
  event_lines(out, store, key);
  return out.text();
}

}  // namespace

std::string describe_options() {
  return options_help(table);
}

int run_describe(const Arguments& arguments) {
  const Options options(table, arguments);
  if (options.words().empty()) throw UsageError("describe needs a pod");
  const state::Store store(state::Paths::from_environment());
  int code = exit_ok;
  bool first = true;
  for (const auto& word : options.words()) {
    try {
      for (const auto& target : targets_of(store, word, options.get("namespace"))) {
        const auto text = describe(store, target.key);
        std::cout << (first ? "" : "\n") << text;
        first = false;
      }
    } catch (const NoSuchObject& missing) {
      std::cerr << "pausa: " << missing.what() << "\n";
      code = exit_no_such_object;
    }
  }
  return code;
}

}  // namespace pausa::cli
