#include "supervisor/stored_pod.hpp"

#include "manifest/reader.hpp"
#include "pod/decode.hpp"

namespace pausa::supervisor {
namespace {

StoredPod parse(std::string text, const state::PodKey& key) {
  auto read = manifest::read({{"manifest.json", std::move(text), "/"}});
  if (read.documents.size() != 1 || !read.documents.front().root.is_map() ||
      pod::has_errors(read.diagnostics))
    throw sys::Error("pod " + key.name + ": its stored manifest is damaged");
  StoredPod stored;
  stored.object = std::move(read.documents.front().root);
  pod::Diagnostics findings;
  stored.pod = pod::decode_pod(stored.object, findings);
  return stored;
}

sys::Error no_manifest(const state::PodKey& key) {
  return sys::Error("pod " + key.name + ": its stored manifest is gone");
}

StoredPod parse_or_throw(std::optional<std::string> text, const state::PodKey& key) {
  if (!text) throw no_manifest(key);
  return parse(std::move(*text), key);
}

}  // namespace

std::optional<StoredPod> find_stored_pod(const state::Store& store, const state::PodKey& key) {
  auto text = store.read_manifest(key);
  if (!text) return std::nullopt;
  return parse(std::move(*text), key);
}

StoredPod read_stored_pod(const state::Store& store, const state::PodKey& key) {
  return parse_or_throw(store.read_manifest(key), key);
}

StoredPod read_living_pod(const state::Store& store, const state::Record& record) {
  auto stored = find_stored_pod(store, record.key);
  if (!stored) {
    // The record comes first when a pod is made, and goes last when it is removed.
    const auto now = store.read(record.key);
    const bool begun = now && (now->infra || now->state.finished);
    if (!begun || now->uid != record.uid || now->desired == state::Desired::removed)
      throw PodGone("no pod " + record.key.name + " in namespace " + record.key.namespace_);
    throw no_manifest(record.key);
  }
  add_ephemeral(*stored, record);
  return std::move(*stored);
}

void add_ephemeral(StoredPod& stored, const state::Record& record) {
  auto list = pod::Node::make_list();
  for (const auto& container : record.containers) {
    if (container.ephemeral.empty()) continue;
    auto read = manifest::read({{"container.json", container.ephemeral, "/"}});
    if (read.documents.size() != 1 || !read.documents.front().root.is_map())
      throw sys::Error("pod " + record.key.name + ": its record is damaged");
    auto& object = read.documents.front().root;
    stored.pod.spec.ephemeral_containers.push_back(pod::decode_ephemeral(object));
    list.push(std::move(object));
  }
  if (!list.items.empty()) stored.object.set("spec").set("ephemeralContainers", std::move(list));
}

StoredPod read_staged_pod(const state::Store& store, const state::PodKey& key) {
  return parse_or_throw(store.read_staged(key), key);
}

}  // namespace pausa::supervisor
