#include "cli/commands/commands.hpp"
#include "cli/image_mounts.hpp"
#include "cli/objects.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/pod_words.hpp"
#include "cli/prune.hpp"
#include "cli/remove_pod.hpp"
#include "cli/size_text.hpp"
#include "cli/table.hpp"
#include "cli/workloads.hpp"
#include "image/library.hpp"
#include "state/job_store.hpp"
#include "state/object_store.hpp"
#include "supervisor/disk_usage.hpp"
#include "supervisor/stored_pod.hpp"
#include "supervisor/user_namespace.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"
#include "sys/process.hpp"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <limits>
#include <set>

namespace pausa::cli {
namespace {

using pod::Node;

constexpr Option table[]{
    {"output,o", "FORMAT", "df: table, json or yaml"},
    {"all,a", nullptr, "prune: images, too, that have a name and that no pod is of"},
    {"volumes", nullptr, "prune: claims, too, that no pod uses, with their data"},
    {"dry-run", nullptr, "prune: tell what would go, and remove nothing"},
    {"force,f", nullptr, "prune: do not ask"}};

constexpr const char* busy = "images are being brought in or started; try again when that is done";

struct Share {
  const char* what;
  std::size_t count = 0;
  std::uint64_t bytes = 0;
};

std::size_t entries(const std::string& folder) {
  const auto dir = sys::try_open_at(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY);
  return dir ? sys::list_dir(dir.get()).size() : 0;
}

std::uint64_t bytes(const std::string& folder) {
  return supervisor::disk_usage(folder, std::numeric_limits<std::uint64_t>::max());
}

// Of one that `start` would start; empty for others.
const char* what_goes(const state::Store& store, const state::PodKey& key) {
  const auto record = store.read(key);
  if (record && record->boot_id != sys::boot_id())
    return "is of an earlier boot: pausa start would start it";
  if (!record && supervisor::find_stored_pod(store, key))
    return "has no state, by a reboot or since it was left half made: pausa start would start it";
  return "";
}

// Pods that have ended, but for those of a Job that goes on: its keeper counts them.
std::vector<state::PodKey> ended_pods(const state::Store& store) {
  auto keys = every_pod(store);
  std::erase_if(keys, [&](const state::PodKey& key) {
    const auto record = store.read(key);
    if (record && !record->state.finished && record->boot_id == sys::boot_id()) return true;
    const auto owner = owner_of(store, key);
    constexpr std::string_view job = "job/";
    if (!owner.starts_with(job)) return false;
    const auto its =
        state::JobStore(store.paths()).read({key.namespace_, owner.substr(job.size())});
    return its && !its->state.finished;
  });
  return keys;
}

std::vector<pod::Object> unused_claims(const state::Store& store,
                                       const std::vector<state::PodKey>& leaving) {
  std::set<std::string> used;
  const auto use = [&used](const std::string& namespace_, const pod::Spec& spec) {
    for (const auto& volume : spec.volumes)
      if (const auto* claim = std::get_if<pod::ClaimVolume>(&volume.source))
        used.insert(namespace_ + "/" + claim->claim);
  };
  for (const auto& key : every_pod(store)) {
    if (std::find(leaving.begin(), leaving.end(), key) != leaving.end()) continue;
    const auto stored = supervisor::find_stored_pod(store, key);
    if (!stored && store.read(key))
      throw sys::Error("pod " + key.name + " is being made; try again when that is done");
    if (!stored) continue;
    use(key.namespace_, stored->pod.spec);
  }
  for (const auto& job : jobs_to_come(store)) use(job.namespace_, job.spec);
  auto claims = state::ObjectStore(store.paths()).list(pod::ObjectKind::claim);
  std::erase_if(claims, [&](const pod::Object& claim) {
    return used.contains(claim.metadata.namespace_ + "/" + claim.metadata.name);
  });
  return claims;
}

bool asked(const Options& options) {
  if (options.has("force") || options.has("dry-run")) return true;
  if (::isatty(STDIN_FILENO) != 1)
    throw UsageError(
        "system prune removes what is not in use; give --force to do so, or --dry-run");
  std::cerr
      << "This removes all pods that have ended or are of an earlier boot, with their logs and "
         "volumes, "
      << (options.has("all") ? "all images that no pod is of" : "images that have no name any more")
      << (options.has("volumes") ? ", and all claims that no pod uses, with their data" : "")
      << ".\nGo on? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

std::uint64_t all_bytes(const state::Paths& paths) {
  return bytes(paths.root);
}

int prune_system(const Options& options) {
  const state::Store store(state::Paths::from_environment());
  if (!asked(options)) return exit_failed;
  const bool dry = options.has("dry-run");
  const auto& paths = store.paths();
  const auto before = all_bytes(paths);
  std::uint64_t would = dry ? bytes(paths.trash()) : 0;
  int code = exit_ok;
  // From here on nobody begins to use an image.
  auto alone = image::Library(paths.root).hold_alone();
  if (!alone) throw sys::Error(busy);
  const auto pods = ended_pods(store);
  for (const auto& key : pods) {
    const std::string_view what = what_goes(store, key);
    if (dry) would += bytes(paths.data_dir(key));
    try {
      if (!dry && !remove_ended(store, key)) continue;
      std::cout << "pod/" << key.name << "\n";
      if (!what.empty()) std::cerr << "pausa: pod " << key.name << " " << what << "\n";
    } catch (const sys::Error& error) {
      std::cerr << "pausa: pod " << key.name << ": " << error.what() << "\n";
      code = exit_failed;
    }
  }
  // One that could not be ended goes on needing what it has.
  const auto leaving = dry ? pods : std::vector<state::PodKey>();
  const auto claims =
      options.has("volumes") ? unused_claims(store, leaving) : std::vector<pod::Object>();
  for (const auto& claim : claims) {
    if (dry)
      would += bytes(paths.volume_dir({claim.metadata.namespace_, claim.metadata.name}));
    else if (!remove_object(paths, claim, true))
      continue;
    std::cout << object_words(claim) << "\n";
  }
  if (dry) {
    for (const auto& digest : mounted_images(paths)) std::cout << "mount of " << digest << "\n";
  } else {
    unmount_all(paths);
  }
  const auto pruning = begin_pruning(store, options.has("all"), leaving, std::move(*alone));
  if (!pruning) throw sys::Error(busy);
  for (const auto& image : pruning->images)
    std::cout << "image " << (image.name.empty() ? image.manifest.digest : image.name) << "\n";
  for (const auto& path : pruning->paths)
    if (dry) would += bytes(path);
  if (!dry) {
    carry_out(*pruning);
    supervisor::with_subordinate_ids([&] { store.sweep(); });
  }
  const auto after = all_bytes(paths);
  std::cerr << "pausa: "
            << short_size(dry              ? would
                          : before > after ? before - after
                                           : 0)
            << (dry ? " would be freed" : " freed") << std::endl;
  return code;
}

}  // namespace

std::string system_options() {
  return options_help(table);
}

int run_system(const Arguments& arguments) {
  const Options options(table, arguments);
  if (options.words() == Arguments{"prune"}) return prune_system(options);
  if (options.words() != Arguments{"df"}) throw UsageError("system: say df or prune");
  const auto format = output_format(options, {Format::table, Format::json, Format::yaml});
  const auto paths = state::Paths::from_environment();
  const image::Library library(paths.root);
  const Share shares[] = {{"images", library.list().size(), bytes(library.images_dir())},
                          {"layers", entries(library.layers_dir()), bytes(library.layers_dir())},
                          {"pods", entries(paths.data_pods()), bytes(paths.data_pods())},
                          {"volumes", entries(paths.volumes()), bytes(paths.volumes())},
                          {"removed", entries(paths.trash()), bytes(paths.trash())}};
  Table rows({"WHAT", "COUNT", "SIZE"});
  Node node = Node::make_map();
  for (const auto& share : shares) {
    rows.add({share.what, std::to_string(share.count), short_size(share.bytes)});
    Node& entry = node.set(share.what);
    entry = Node::make_map();
    entry.set("count", Node::make_integer(static_cast<std::int64_t>(share.count)));
    entry.set("bytes", Node::make_integer(static_cast<std::int64_t>(share.bytes)));
  }
  std::cout << (format == Format::table ? rows.text() : node_text(node, format));
  return exit_ok;
}

}  // namespace pausa::cli
