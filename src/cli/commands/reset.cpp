#include "cgroup/group.hpp"
#include "cgroup/hierarchy.hpp"
#include "cli/commands/commands.hpp"
#include "cli/options.hpp"
#include "cli/remove_pod.hpp"
#include "image/image.hpp"
#include "supervisor/user_namespace.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <functional>
#include <iostream>

namespace pausa::cli {
namespace {

const std::vector<Option> table{
    {"yes,y", nullptr, "do not ask"},
    {"timeout,t", "TIME", "grace period of pods that run, instead of none"}};

constexpr std::chrono::seconds patience(5);

bool asked(const state::Paths& paths) {
  if (::isatty(STDIN_FILENO) != 1)
    throw UsageError("reset removes all pods, volumes and logs; give --yes to do so");
  std::cerr << "This removes all pods with their volumes and logs, and everything else in\n  "
            << paths.root << "\n  " << paths.run_root << "\nGo on? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

class Reset {
 public:
  explicit Reset(const state::Store& store) : store_(store), paths_(store.paths()) {}

  int run(std::chrono::milliseconds grace) {
    std::vector<std::string> damaged;
    std::vector<state::PodKey> keys;
    for (const auto& record : store_.list(&damaged)) keys.push_back(record.key);
    for (const auto& key : store_.list_without_record()) keys.push_back(key);
    if (end_pods(store_, keys, true, grace) != exit_ok) failed_ = true;
    for (const auto& trouble : damaged) remove_damaged(trouble.substr(0, trouble.find(':')));
    step("images", [this] { remove_images(); });
    // Only what is ours by name: the two folders may have been given by the user.
    for (const char* name : {"objects", "trash", "rootfs"}) remove_below(paths_.root, name);
    // The folders of a pod that still runs are the only trace of it.
    if (!failed_) {
      remove_below(paths_.root, "volumes");
      remove_below(paths_.root, "pods");
      remove_below(paths_.run_root, "pods");
      remove_below(paths_.run_root, "ids.lock");
    }
    return failed_ ? exit_failed : exit_ok;
  }

 private:
  void step(const std::string& what, const std::function<void()>& action) {
    try {
      action();
    } catch (const sys::Error& error) {
      failed_ = true;
      std::cerr << "pausa: " << what << ": " << error.what() << "\n";
    }
  }

  // A record that cannot be read still names the pod's group, and with it all its processes.
  void remove_damaged(const std::string& folder) {
    step("pod " + folder, [&] {
      constexpr std::size_t limit = 8U << 20U;
      const auto text =
          sys::read_file_at(AT_FDCWD, paths_.run_pods() + "/" + folder + "/pod.json", limit)
              .value_or("");
      constexpr std::string_view key = "\"cgroup\":\"pausa/";
      constexpr std::size_t uid_length = 36;
      const auto at = text.find(key);
      if (at != std::string::npos && at + key.size() + uid_length < text.size()) {
        const std::string uid = text.substr(at + key.size(), uid_length);
        if (uid.find_first_not_of("0123456789abcdef-") == std::string::npos)
          if (auto group = cgroup::Hierarchy::detect().open("pausa/" + uid)) {
            (void)group->kill();
            const auto failures = group->remove(std::chrono::steady_clock::now() + patience);
            if (!failures.empty()) throw failures.front();
          }
      }
      sys::remove_tree_at(AT_FDCWD, paths_.run_pods() + "/" + folder);
      supervisor::with_subordinate_ids(
          [&] { sys::remove_tree_at(AT_FDCWD, paths_.data_pods() + "/" + folder); });
      std::cout << "pod/" << folder.substr(folder.find('_') + 1) << "\n";
    });
  }

  void remove_images() {
    const image::Store images(paths_.root);
    for (const auto& path : images.contents()) std::cout << path << "\n";
    images.remove_all();
  }

  void remove_below(const std::string& folder, const char* name) {
    const std::string path = folder + "/" + name;
    if (::access(path.c_str(), F_OK) != 0) return;
    step(path, [&path] {
      supervisor::with_subordinate_ids([&path] { sys::remove_tree_at(AT_FDCWD, path); });
      std::cout << path << "\n";
    });
  }

  const state::Store& store_;
  const state::Paths& paths_;
  bool failed_ = false;
};

}  // namespace

std::string reset_options() {
  return options_help(table);
}

int run_reset(const Arguments& arguments) {
  const Options options(table, arguments);
  if (!options.words().empty()) throw UsageError("reset takes no pods; pausa down does");
  const state::Store store(state::Paths::from_environment());
  if (!options.has("yes") && !asked(store.paths())) return exit_failed;
  std::chrono::milliseconds grace(0);
  if (const auto text = options.get("timeout"))
    grace =
        std::chrono::duration_cast<std::chrono::milliseconds>(parse_duration(*text, "--timeout"));
  return Reset(store).run(grace);
}

}  // namespace pausa::cli
