#include "cli/commands/commands.hpp"
#include "cli/diagnosis.hpp"
#include "cli/event_list.hpp"
#include "cli/inspect_object.hpp"
#include "cli/options.hpp"
#include "cli/target.hpp"
#include "cli/workloads.hpp"
#include "log/layout.hpp"
#include "log/merge.hpp"
#include "supervisor/stored_pod.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <iostream>

namespace pausa::cli {
namespace {

constexpr Option table[]{{"namespace,n", "NAME", "the pod's namespace"}};

constexpr std::uint64_t shown_lines = 5;

// What the container wrote last; of the instance before when the present one has said nothing.
std::vector<std::string> last_lines(const state::Store& store, const state::PodKey& key,
                                    const std::string& container) {
  std::vector<std::string> lines;
  const sys::UniqueFd logs =
      sys::try_open_at(AT_FDCWD, store.paths().data_dir(key) + "/logs", O_RDONLY | O_DIRECTORY);
  if (!logs) return lines;
  auto instances = log::list_instances(logs.get(), container);
  std::reverse(instances.begin(), instances.end());
  for (const auto instance : instances) {
    log::MergedReader reader;
    log::ReadOptions options;
    options.tail = shown_lines;
    (void)reader.add(log::open_instance(logs.get(), container, instance).get(), options);
    log::Line line;
    std::size_t source = 0;
    while (reader.next(line, source))
      if (line.kind == log::Line::Kind::text) lines.push_back(line.text);
    if (!lines.empty()) break;
  }
  return lines;
}

std::string printable(const std::string& text) {
  std::string out;
  for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 || c == '\x7f' ? '?' : c;
  return out;
}

const state::Event* last_warning(const std::vector<state::Event>& events,
                                 const std::string& container) {
  const auto found = std::find_if(events.rbegin(), events.rend(), [&](const state::Event& event) {
    return event.type == "Warning" && event.container == container;
  });
  return found == events.rend() ? nullptr : &*found;
}

void tell(const std::string& name, const std::string& text, const state::Event* warning) {
  std::cout << name << " " << printable(text) << "\n";
  if (warning != nullptr)
    std::cout << "Last warning: " << warning->reason << " (" << warning->time.substr(0, 19)
              << "Z): " << printable(warning->message) << "\n";
}

struct Subject {
  const state::Store& store;
  const state::Record& record;
  const pod::Spec& spec;
  const std::vector<state::Event>& events;
};

void tell_container(const Subject& subject, std::size_t index, const Diagnosis& found) {
  const auto& entry = subject.record.containers[index];
  const std::string target = subject.record.key.name + "/" + entry.name;
  tell((entry.init ? "Init container " : "Container ") + target, found.text,
       found.trouble ? last_warning(subject.events, entry.name) : nullptr);
  if (!found.trouble) return;
  const auto lines = last_lines(subject.store, subject.record.key, entry.name);
  if (!lines.empty()) std::cout << "Its last lines:\n";
  for (const auto& line : lines) std::cout << "  " << printable(line) << "\n";
  if (!found.next.empty()) std::cout << "Next: " << found.next << "\n";
}

// The containers that were asked for; of a whole pod those in trouble, or all when none is.
void explain_state(const Subject& subject, const std::string& container) {
  const auto& record = subject.record;
  const pod::WallTime now = std::chrono::system_clock::now().time_since_epoch();
  const auto diagnosis = [&](std::size_t i) {
    const auto& spec = pod::container_at(subject.spec, i);
    return diagnose(spec, record.state.containers[i], record.key.name + "/" + spec.name, now);
  };
  if (container.empty()) {
    std::string text = std::string("is ") + std::string(pod::phase_name(record.state.phase));
    if (!record.state.reason.empty()) text += " (" + record.state.reason + ")";
    if (!record.state.message.empty()) text += ": " + record.state.message;
    tell("Pod " + record.key.name, text + ".", last_warning(subject.events, ""));
  }
  std::vector<std::pair<std::size_t, Diagnosis>> shown;
  bool trouble = false;
  const std::size_t known = std::min(record.containers.size(), pod::container_count(subject.spec));
  for (std::size_t i = 0; i < known; ++i) {
    if (!container.empty() && record.containers[i].name != container) continue;
    auto found = diagnosis(i);
    trouble = trouble || found.trouble;
    shown.emplace_back(i, std::move(found));
  }
  for (const auto& [index, found] : shown)
    if (found.trouble || !trouble || !container.empty()) tell_container(subject, index, found);
}

void why(const state::Store& store, const Target& target) {
  const auto record = as_of_now(find_pod(store, target.key));
  if (!target.container.empty()) (void)pick_container(store, record, target.container);
  const auto stored = supervisor::read_living_pod(store, record);
  const auto events = read_events(store, target.key);
  explain_state({store, record, stored.pod.spec, events}, target.container);
}

}  // namespace

std::string why_options() {
  return options_help(table);
}

int run_why(const Arguments& arguments) {
  const Options options(table, arguments);
  if (options.words().empty()) throw UsageError("why needs a pod, or POD/CONTAINER");
  const state::Store store(state::Paths::from_environment());
  int code = exit_ok;
  bool first = true;
  for (const auto& word : options.words()) {
    try {
      for (const auto& target : targets_of(store, word, options.get("namespace"))) {
        if (!first) std::cout << "\n";
        first = false;
        why(store, target);
      }
    } catch (const NoSuchObject& missing) {
      std::cerr << "pausa: " << missing.what() << "\n";
      code = exit_no_such_object;
    }
  }
  return code;
}

}  // namespace pausa::cli
