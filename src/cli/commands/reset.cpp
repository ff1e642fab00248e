#include "cli/commands/commands.hpp"
#include "cli/image_mounts.hpp"
#include "cli/job_keeper.hpp"
#include "cli/options.hpp"
#include "cli/pod_words.hpp"
#include "cli/remove_pod.hpp"
#include "image/image.hpp"
#include "supervisor/pod_network.hpp"
#include "supervisor/user_namespace.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <functional>
#include <iostream>

namespace pausa::cli {
namespace {

constexpr Option table[]{{"yes,y", nullptr, "do not ask"},
                         {"timeout,t", "TIME", "grace period of pods that run, instead of none"}};

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
    auto keys = every_pod(store_);
    std::erase_if(keys, [this](const state::PodKey& key) {
      bool ended = false;
      step("pod " + key.name, [&] { ended = end_damaged(store_, key); });
      if (ended) std::cout << "pod/" << key.name << "\n";
      return ended;
    });
    const state::JobStore jobs(paths_);
    for (const auto& key : jobs.list()) step("job " + key.name, [&] { end_keeper(store_, key); });
    if (end_pods(store_, keys, true, grace) != exit_ok) failed_ = true;
    step("mounted images", [this] { unmount_all(paths_); });
    step("images", [this] { remove_images(); });
    // Only what is ours by name: the two folders may have been given by the user.
    for (const char* name : {"undo", "jobs", "objects", "networks", "trash", "rootfs"})
      remove_below(paths_.root, name);
    // The folders of a pod that still runs are the only trace of it.
    if (!failed_) {
      remove_below(paths_.root, "volumes");
      remove_below(paths_.root, "pods");
      remove_below(paths_.run_root, "pods");
      remove_below(paths_.run_root, "ids.lock");
      step("network", [this] { supervisor::remove_network(paths_); });
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

  void remove_images() {
    const image::Store images(paths_.root);
    for (const auto& path : images.contents()) std::cout << path << "\n";
    supervisor::with_subordinate_ids([&images] { images.remove_all(); });
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
