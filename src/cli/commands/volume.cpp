#include "cli/commands/commands.hpp"
#include "cli/object_view.hpp"
#include "cli/objects.hpp"
#include "cli/options.hpp"
#include "cli/pod_words.hpp"
#include "cli/size_text.hpp"
#include "cli/target.hpp"
#include "supervisor/disk_usage.hpp"
#include "supervisor/stored_pod.hpp"
#include "sys/error.hpp"

#include <iostream>
#include <limits>

namespace pausa::cli {
namespace {

using pod::Node;
using pod::Object;
using pod::ObjectKind;

constexpr Option table[]{{"force,f", nullptr, "rm: although a pod uses it"},
                         {"output,o", "FORMAT", "table, json, yaml or name"},
                         {"namespace,n", "NAME", "the claims' namespace"}};

// The pods that name the claim, by their stored manifests.
std::vector<std::string> users_of(const state::Store& store, const Object& claim) {
  std::vector<std::string> users;
  for (const auto& key : every_pod(store)) {
    if (key.namespace_ != claim.metadata.namespace_) continue;
    const auto stored = supervisor::find_stored_pod(store, key);
    if (!stored) continue;
    for (const auto& volume : stored->pod.spec.volumes)
      if (const auto* used = std::get_if<pod::ClaimVolume>(&volume.source);
          used != nullptr && used->claim == claim.metadata.name) {
        users.push_back(key.name);
        break;
      }
  }
  return users;
}

// Where its data lies.
std::string path_of(const state::Store& store, const Object& claim) {
  if (!claim.claim.volume_name.empty()) {
    const auto volume =
        state::ObjectStore(store.paths()).find(ObjectKind::volume, "", claim.claim.volume_name);
    return volume ? volume->volume.path : "";
  }
  return store.paths().volume_dir({claim.metadata.namespace_, claim.metadata.name});
}

Node claim_node(const state::Store& store, const Object& claim) {
  Node node = pod::object_node(claim);
  Node& status = node.set("status");
  const std::string path = path_of(store, claim);
  status.set("phase", Node::make_string(path.empty() ? "Lost" : "Bound"));
  Node& ours = node.set("pausa");
  ours.set("path", Node::make_string(path));
  ours.set("usedBytes",
           Node::make_integer(static_cast<std::int64_t>(supervisor::disk_usage(
               path, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())))));
  Node pods = Node::make_list();
  for (const auto& name : users_of(store, claim)) pods.push(Node::make_string(name));
  ours.set("pods", std::move(pods));
  return node;
}

ObjectView look(const state::Store& store) {
  return {ObjectKind::claim,
          "claim",
          {"NAME", "NAMESPACE", "ASKED", "USED", "PODS", "PATH"},
          [&store](const Object& claim) {
            Node node = claim_node(store, claim);
            const Node& ours = *node.find("pausa");
            ShownObject shown{
                {claim.metadata.name, claim.metadata.namespace_, quantity_size(claim.claim.bytes),
                 quantity_size(ours.find("usedBytes")->integer),
                 std::to_string(ours.find("pods")->items.size()), ours.find("path")->text},
                {}};
            shown.node = std::move(node);
            return shown;
          }};
}

Object find_claim(const state::Store& store, const std::string& word, const Options& options) {
  constexpr std::string_view prefix = "persistentvolumeclaim/";
  return find_object(store, look(store),
                     word.starts_with(prefix) ? word.substr(prefix.size()) : word, options);
}

int remove_claims(const state::Store& store, const std::vector<std::string>& words,
                  const Options& options) {
  int code = exit_ok;
  for (const auto& word : words) {
    const Object claim = find_claim(store, word, options);
    const auto users = users_of(store, claim);
    if (!users.empty() && !options.has("force")) {
      std::cerr << "pausa: claim " << claim.metadata.name << " is used by pod " << users.front()
                << "; remove the pod first, or use --force\n";
      code = exit_failed;
    } else if (remove_object(store.paths(), claim, true)) {
      std::cout << object_words(claim) << std::endl;
    }
  }
  return code;
}

}  // namespace

std::string volume_options() {
  return options_help(table);
}

int run_volume(const Arguments& arguments) {
  const Options options(table, arguments);
  auto words = options.words();
  if (words.empty()) throw UsageError("volume: say ls, inspect or rm");
  const std::string verb = words.front();
  words.erase(words.begin());
  const state::Store store(state::Paths::from_environment());
  if (verb == "ls" && words.empty())
    return list_objects(
        store, look(store), options,
        output_format(options, {Format::table, Format::json, Format::yaml, Format::name}));
  if (verb == "inspect" && !words.empty()) {
    const Format format = output_format(options, {Format::json, Format::yaml});
    std::vector<Node> items;
    for (const auto& word : words)
      items.push_back(claim_node(store, find_claim(store, word, options)));
    std::cout << nodes_text(std::move(items), format);
    return exit_ok;
  }
  if (verb == "rm" && !words.empty()) return remove_claims(store, words, options);
  throw UsageError("volume: say ls, inspect NAME… or rm NAME…");
}

}  // namespace pausa::cli
