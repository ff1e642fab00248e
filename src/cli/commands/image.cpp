#include "cli/bring_images.hpp"
#include "cli/commands/commands.hpp"
#include "cli/image_files.hpp"
#include "cli/image_lock.hpp"
#include "cli/image_mounts.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/prune.hpp"
#include "cli/size_text.hpp"
#include "cli/table.hpp"
#include "sys/error.hpp"

#include <algorithm>
#include <iostream>
#include <map>

namespace pausa::cli {
namespace {

using image::Library;
using pod::Node;

constexpr Option table[]{
    {"tls-verify", "true|false", "pull, lock: false takes a registry without a certificate, too"},
    {"env-file", "FILE", "lock, save: values for ${NAME}, as up takes them"},
    {"set", "NAME[=VALUE]", "lock, save: likewise one, which must be of use"},
    {"check", nullptr, "lock: only compare, and tell what differs (exit code 1)"},
    {"progress", "auto|plain|json|none", "how a pull is shown: bars on a terminal, else lines"},
    {"format", "oci-archive|docker-archive", "save: the kind of file"},
    {"all", nullptr, "save: all images of these manifests; umount: whatever is mounted"},
    {"entrypoint", "WORD", "import, build-from: one word of the command; may be repeated"},
    {"cmd", "WORD", "import, build-from: likewise of its arguments"},
    {"env", "NAME=VALUE", "import, build-from: a variable; may be repeated"},
    {"user", "USER", "import, build-from: who it runs as"},
    {"workdir", "DIR", "import, build-from: where it starts"},
    {"quiet,q", nullptr, "no progress on standard error"},
    {"output,o", "FORMAT",
     "ls: table, json, yaml, name; tree: table, json, yaml; inspect: json, yaml; save: the file to "
     "write"}};

Node texts_node(const std::vector<std::string>& texts) {
  Node list = Node::make_list();
  for (const auto& text : texts) list.push(Node::make_string(text));
  return list;
}

Node image_node(const Library& library, const image::StoredImage& image) {
  const auto manifest = library.manifest(image);
  const auto document = library.config(manifest);
  Node node = Node::make_map();
  const auto set = [&node](const char* key, const std::string& text) {
    if (!text.empty()) node.set(key, Node::make_string(text));
  };
  set("name", image.name);
  set("digest", image.manifest.digest);
  set("architecture", document.architecture);
  set("os", document.os);
  set("created", document.created);
  node.set("size", Node::make_integer(static_cast<std::int64_t>(Library::size(manifest))));
  Node& config = node.set("config");
  config = Node::make_map();
  config.set("entrypoint", texts_node(document.config.entrypoint));
  config.set("cmd", texts_node(document.config.cmd));
  config.set("env", texts_node(document.config.env));
  config.set("workingDir", Node::make_string(document.config.working_dir));
  config.set("user", Node::make_string(document.config.user));
  config.set("stopSignal", Node::make_string(document.config.stop_signal));
  config.set("exposedPorts", texts_node(document.exposed_ports));
  config.set("volumes", texts_node(document.config.volumes));
  Node labels = Node::make_map();
  for (const auto& [key, value] : document.labels) labels.set(key, Node::make_string(value));
  config.set("labels", std::move(labels));
  Node layers = Node::make_list();
  for (std::size_t i = 0; i < manifest.layers.size(); ++i) {
    Node layer = Node::make_map();
    layer.set("digest", Node::make_string(manifest.layers[i].digest));
    layer.set("diffId", Node::make_string(document.diff_ids[i]));
    layer.set("size", Node::make_integer(static_cast<std::int64_t>(manifest.layers[i].size)));
    layer.set("path", Node::make_string(library.layer_path(document.diff_ids[i])));
    layers.push(std::move(layer));
  }
  node.set("layers", std::move(layers));
  return node;
}

constexpr const char* usage =
    "image: say pull NAME…, load FILE [NAME], save -o FILE NAME…, import TAR NAME, build-from DIR "
    "NAME, ls, inspect NAME…, tree NAME, tag NAME NEW, lock FILE…, mount [NAME [-- COMMAND]], "
    "umount "
    "NAME…, rm NAME… or prune";

// Tells what is damaged; the exit code.
int tell_damaged(const std::vector<image::DamagedImage>& damaged) {
  for (const auto& [image, why] : damaged)
    std::cerr << "pausa: image " << (image.name.empty() ? image.manifest.digest : image.name)
              << ": damaged: " << why << "; " << image::mending(image) << "\n";
  return damaged.empty() ? exit_ok : exit_failed;
}

int list_images(const Library& library, Format format) {
  const auto damaged = library.damaged();
  const auto why = [&damaged](const image::StoredImage& image) -> const std::string* {
    for (const auto& other : damaged)
      if (other.image.manifest.digest == image.manifest.digest) return &other.why;
    return nullptr;
  };
  Table rows({"NAME", "DIGEST", "LAYERS", "SIZE"});
  std::vector<Node> items;
  for (const auto& image : library.list()) {
    if (format == Format::name) {
      if (!image.name.empty()) std::cout << image.name << "\n";
    } else if (format == Format::table) {
      const auto& digest = image.manifest.digest;
      Table::Row row{image.name.empty() ? "<none>" : image.name,
                     digest.substr(0, digest.find(':') + 13), "?", "damaged"};
      if (why(image) == nullptr) {
        const auto manifest = library.manifest(image);
        row[2] = std::to_string(manifest.layers.size());
        row[3] = short_size(Library::size(manifest));
      }
      rows.add(std::move(row));
    } else if (const auto* fault = why(image)) {
      Node& node = items.emplace_back(Node::make_map());
      if (!image.name.empty()) node.set("name", Node::make_string(image.name));
      node.set("digest", Node::make_string(image.manifest.digest));
      node.set("damaged", Node::make_string(*fault));
    } else {
      items.push_back(image_node(library, image));
    }
  }
  if (format == Format::table)
    std::cout << rows.text();
  else if (format != Format::name)
    std::cout << node_text(list_node(std::move(items)), format);
  return tell_damaged(damaged);
}

// Which images have a layer, too.
std::map<std::string, std::vector<std::string>> sharers_of(const Library& library,
                                                           const image::StoredImage& image) {
  std::map<std::string, std::vector<std::string>> sharers;
  for (const auto& other : library.list()) {
    if (other.name == image.name) continue;
    const std::string name = other.name.empty() ? "<none>" : other.name;
    try {
      for (const auto& diff_id : library.config(library.manifest(other)).diff_ids)
        if (auto& who = sharers[diff_id]; who.empty() || who.back() != name) who.push_back(name);
    } catch (const sys::Error&) {
      continue;  // a damaged one has no layers
    }
  }
  return sharers;
}

// The uppermost first, with what made each and who has it, too.
int show_tree(const Library& library, const image::StoredImage& image, Format format) {
  const auto manifest = library.manifest(image);
  const auto document = library.config(manifest);
  const auto made_by = library.layer_makers(manifest);
  auto sharers = sharers_of(library, image);
  Table rows({"LAYER", "SIZE", "SHARED WITH", "MADE BY"});
  Node node = Node::make_map();
  node.set("name", Node::make_string(image.name));
  node.set("digest", Node::make_string(image.manifest.digest));
  Node layers = Node::make_list();
  for (std::size_t i = manifest.layers.size(); i-- > 0;) {
    const auto& diff_id = document.diff_ids[i];
    const auto& shared = sharers[diff_id];
    const std::string maker = i < made_by.size() ? made_by[i] : "";
    std::string names;
    for (const auto& name : shared) names += (names.empty() ? "" : ", ") + name;
    rows.add({diff_id.substr(0, diff_id.find(':') + 13), short_size(manifest.layers[i].size),
              names.empty() ? "-" : names, maker.empty() ? "-" : maker});
    Node layer = Node::make_map();
    layer.set("diffId", Node::make_string(diff_id));
    layer.set("digest", Node::make_string(manifest.layers[i].digest));
    layer.set("size", Node::make_integer(static_cast<std::int64_t>(manifest.layers[i].size)));
    layer.set("path", Node::make_string(library.layer_path(diff_id)));
    layer.set("sharedWith", texts_node(shared));
    if (!maker.empty()) layer.set("madeBy", Node::make_string(maker));
    layers.push(std::move(layer));
  }
  node.set("layers", std::move(layers));
  if (format == Format::table)
    std::cout << image.name << "@" << image.manifest.digest << "\n" << rows.text();
  else
    std::cout << node_text(node, format);
  return exit_ok;
}

int pull_images(const state::Store& store, const std::vector<std::string>& words,
                const Options& options) {
  const auto verify = options.get("tls-verify").value_or("true");
  if (verify != "true" && verify != "false")
    throw UsageError("--tls-verify: \"" + verify + "\" is neither true nor false");
  std::vector<PullJob> jobs;
  for (const auto& word : words) {
    if (const auto fault = image::check_reference(word); !fault.empty())
      throw sys::Error("InvalidImageName: " + word + ": " + fault);
    auto origin = image::origin_of(word);
    if (!origin) throw UsageError("image pull: " + word + " needs no pull");
    jobs.push_back({std::move(*origin), {}, verify == "true", false});
  }
  for (const auto& image : bring_origins(store, jobs, pull_progress(options)))
    std::cout << image.name << "@" << image.manifest.digest << std::endl;
  return exit_ok;
}

// False: others are at work.
bool prune(const state::Store& store) {
  const auto pruning = begin_pruning(store, false);
  if (pruning) carry_out(*pruning);
  return pruning.has_value();
}

int remove_images(const state::Store& store, const Library& library,
                  const std::vector<std::string>& words) {
  for (const auto& word : words) {
    const auto image = find_image(library, word);
    if (library.remove(image.name)) std::cout << image.name << std::endl;
  }
  try {
    if (!prune(store))
      std::cerr << "pausa: images are being brought in or started: pausa image prune removes the "
                   "files later\n";
  } catch (const sys::Error& error) {
    std::cerr << "pausa: the files stay: " << error.what() << "\n";  // the names are gone
  }
  (void)tell_damaged(library.damaged());
  return exit_ok;
}

int prune_images(const state::Store& store, const Library& library, bool quiet) {
  const auto before = library.list().size();
  if (!prune(store))
    throw sys::Error("images are being brought in or started; try again when that is done");
  if (!quiet) std::cerr << "pausa: removed " << before - library.list().size() << " images\n";
  // With one of these nobody knows which files are needed.
  return tell_damaged(library.damaged());
}

}  // namespace

std::string image_options() {
  return options_help(table);
}

int run_image(const Arguments& arguments) {
  const Options options(table, arguments);
  auto words = options.words();
  if (words.empty()) throw UsageError(usage);
  const std::string verb = words.front();
  words.erase(words.begin());
  const state::Store store(state::Paths::from_environment());
  const Library library(store.paths().root);
  if (verb == "pull" && !words.empty()) return pull_images(store, words, options);
  if (verb == "lock" && !words.empty()) return lock_images(store, words, options);
  if (verb == "load" && (words.size() == 1 || words.size() == 2))
    return load_image(store, words, options);
  if (verb == "save" && !words.empty()) return save_images(store, words, options);
  if (verb == "import" && words.size() == 2) return import_image(store, words, options);
  if (verb == "build-from" && words.size() == 2) return build_image(store, words, options);
  if (verb == "tree" && words.size() == 1)
    return show_tree(library, find_image(library, words[0]),
                     output_format(options, {Format::table, Format::json, Format::yaml}));
  if (verb == "mount") return mount_image(store, words);
  if (verb == "umount" && words.empty() == options.has("all"))
    return unmount_images(store, words, options.has("all"));
  if (verb == "ls" && words.empty())
    return list_images(
        library, output_format(options, {Format::table, Format::json, Format::yaml, Format::name}));
  if (verb == "inspect" && !words.empty()) {
    const Format format = output_format(options, {Format::json, Format::yaml});
    std::vector<Node> items;
    for (const auto& word : words) items.push_back(image_node(library, find_image(library, word)));
    std::cout << nodes_text(std::move(items), format);
    return exit_ok;
  }
  if (verb == "tag" && words.size() == 2) {
    auto image = find_image(library, words[0]);
    image.name = image_name(words[1]);
    library.add(image);
    std::cout << image.name << std::endl;
    return exit_ok;
  }
  if (verb == "rm" && !words.empty()) return remove_images(store, library, words);
  if (verb == "prune" && words.empty()) return prune_images(store, library, options.has("quiet"));
  throw UsageError(usage);
}

}  // namespace pausa::cli
