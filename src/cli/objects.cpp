#include "cli/objects.hpp"

#include "cli/command.hpp"
#include "cli/node_ports.hpp"
#include "control/client.hpp"
#include "manifest/render.hpp"
#include "pod/names.hpp"
#include "pod/references.hpp"
#include "pod/utf8.hpp"
#include "supervisor/policies.hpp"
#include "supervisor/service_store.hpp"
#include "supervisor/services.hpp"
#include "supervisor/user_namespace.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>

namespace pausa::cli {
namespace {

constexpr const char* origin_annotation = "pausa/origin";
constexpr std::size_t most_data_bytes = 1U << 20U;
constexpr std::chrono::seconds refresh_patience(5);

bool is_text(std::string_view bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const pod::CodePoint point = pod::decode_utf8(bytes, at);
    if (!point.valid || point.value == 0) return false;
    at += point.length;
  }
  return true;
}

void add_file(int dir, const std::string& path, const std::string& key, pod::Object& object) {
  auto text = sys::read_file_at(dir, path, most_data_bytes);
  if (!text) throw sys::Error(ENOENT, "read " + path);
  const bool binary = object.kind == pod::ObjectKind::config_map && !is_text(*text);
  (binary ? object.binary : object.data).emplace_back(key, std::move(*text));
}

pod::Object object_of_path(pod::ObjectKind kind, const std::string& name, const std::string& path) {
  pod::Object object;
  object.kind = kind;
  object.metadata.name = name;
  if (kind == pod::ObjectKind::secret) object.type = "Opaque";
  const sys::UniqueFd source = sys::open_at(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  struct ::stat info {};
  sys::check(::fstat(source.get(), &info), "look at ", path);
  if (S_ISDIR(info.st_mode)) {
    // As kubectl does: plain files with a name that can be a key; the rest is left out.
    for (const auto& file : sys::list_dir(source.get())) {
      sys::check(::fstatat(source.get(), file.c_str(), &info, 0), "look at ", file);
      if (S_ISREG(info.st_mode) && pod::config_key_faults(file).empty())
        add_file(source.get(), file, file, object);
    }
  } else {
    const std::string key = path.substr(path.rfind('/') + 1);
    if (const auto faults = pod::config_key_faults(key); !faults.empty())
      throw sys::Error(path + ": its name cannot be a key: " + faults.front());
    add_file(AT_FDCWD, path, key, object);
  }
  std::size_t bytes = 0;
  for (const auto* data : {&object.data, &object.binary})
    for (const auto& entry : *data) bytes += entry.second.size();
  if (bytes > most_data_bytes)
    throw sys::Error(path + ": more than " + std::to_string(most_data_bytes) + " bytes");
  return object;
}

bool same(const pod::Object& a, const pod::Object& b) {
  return pod::to_json(pod::object_node(a)) == pod::to_json(pod::object_node(b));
}

void set_origin(pod::Object& object, const std::string& origin) {
  auto& annotations = object.metadata.annotations;
  std::erase_if(annotations, [](const auto& entry) { return entry.first == origin_annotation; });
  annotations.emplace_back(origin_annotation, origin);
}

// The address and ports that a Service was given stay its own.
void keep_given(const pod::Service& before, pod::Object& object) {
  auto service = *object.service;
  service.keep_addresses(before);
  if (service.has_node_ports())
    for (auto& port : service.ports)
      for (const auto& old : before.ports)
        if (port.node_port == 0 && old.port == port.port && old.protocol == port.protocol)
          port.node_port = old.node_port;
  object.service = std::make_shared<const pod::Service>(std::move(service));
}

bool same_data(const pod::Object& a, const pod::Object& b) {
  return a.data == b.data && a.binary == b.binary && a.immutable == b.immutable;
}

}  // namespace

std::string object_words(const pod::Object& object) {
  return std::string(pod::resource_name(object.kind)) + "/" + object.metadata.name;
}

void add_objects_of_files(const std::vector<std::string>& words, pod::ObjectKind kind,
                          manifest::LoadResult& loaded) {
  std::set<std::string> namespaces;
  for (const auto& entry : loaded.pods) namespaces.insert(entry.pod.metadata.namespace_);
  for (const auto& entry : loaded.workloads) namespaces.insert(entry.workload.metadata.namespace_);
  if (namespaces.empty()) namespaces.insert("default");
  for (const auto& word : words) {
    const auto split = word.find('=');
    const std::string option =
        kind == pod::ObjectKind::secret ? "--secret-from" : "--configmap-from";
    if (split == std::string::npos || split + 1 == word.size())
      throw UsageError("up: " + option + " wants NAME=PATH");
    const std::string name = word.substr(0, split);
    if (const auto faults = pod::dns_subdomain_faults(name); !faults.empty())
      throw UsageError("up: " + option + " " + name + ": " + faults.front());
    manifest::LoadedObject entry;
    entry.object = object_of_path(kind, name, word.substr(split + 1));
    for (const auto& namespace_ : namespaces) {
      entry.object.metadata.namespace_ = namespace_;
      std::erase_if(loaded.objects, [&](const manifest::LoadedObject& other) {
        return other.object.kind == kind && other.object.metadata.name == name &&
               other.object.metadata.namespace_ == namespace_;
      });
      loaded.objects.push_back(entry);
    }
  }
}

std::optional<pod::Object> KnownObjects::find(pod::ObjectKind kind, const std::string& namespace_,
                                              const std::string& name) const {
  for (const auto& entry : loaded_.objects)
    if (entry.object.kind == kind && entry.object.metadata.namespace_ == namespace_ &&
        entry.object.metadata.name == name)
      return entry.object;
  const bool leaves = std::any_of(leaving_.begin(), leaving_.end(), [&](const pod::Object& object) {
    return object.kind == kind && object.metadata.namespace_ == namespace_ &&
           object.metadata.name == name;
  });
  return leaves ? std::nullopt : store_.find(kind, namespace_, name);
}

pod::Diagnostics missing_references(const manifest::LoadResult& loaded, const state::Paths& paths,
                                    const std::vector<pod::Object>& leaving) {
  const KnownObjects known(loaded, paths, leaving);
  pod::Diagnostics all;
  const auto look_at = [&](const manifest::LoadedPod& entry) {
    auto findings = pod::check_references(entry.object, entry.pod.metadata.namespace_, known);
    for (auto& finding : findings) {
      finding.file = loaded.sources[entry.source].name;
      finding.path.insert(0, entry.prefix);
      all.push_back(std::move(finding));
    }
  };
  for (const auto& entry : loaded.pods) look_at(entry);
  for (const auto& entry : loaded.workloads)
    if (entry.sample) look_at(*entry.sample);
  manifest::sort_and_dedupe(all, loaded.sources);
  return all;
}

void refresh_pods(const state::Store& store, std::set<std::string> namespaces) {
  const NodePortMark mark(store);
  namespaces.merge(mark.untold());
  if (namespaces.empty()) return;
  for (const auto& record : store.list()) {
    if (!namespaces.contains(record.key.namespace_) || record.state.finished) continue;
    const sys::UniqueFd run =
        sys::try_open_at(AT_FDCWD, store.paths().run_dir(record.key), O_RDONLY | O_DIRECTORY);
    if (!run) continue;
    control::Request request;
    request.op = control::Op::refresh;
    try {
      auto call = control::Call::put(run.get(), request);
      const auto reply = call ? call->wait(refresh_patience) : std::nullopt;
      if (reply && !reply->ok)
        std::cerr << "pausa: pod " << record.key.name << ": " << reply->error << "\n";
    } catch (const sys::Error& error) {  // the others are told all the same
      std::cerr << "pausa: pod " << record.key.name
                << " has not heard of the change: " << error.what()
                << "; it will when its supervisor goes on\n";
    }
  }
  mark.keep();
}

std::vector<ObjectPlan> plan_objects(const state::ObjectStore& store,
                                     const std::vector<manifest::LoadedObject>& objects,
                                     const std::vector<std::string>& origins) {
  std::vector<ObjectPlan> plans;
  bool volumes_change = false;
  for (const auto& [given, node, source, prefix] : objects) {
    ObjectPlan plan;
    plan.object = given;
    plan.before = store.find(given.kind, given.metadata.namespace_, given.metadata.name);
    if (plan.before && plan.before->immutable && !same_data(*plan.before, given))
      throw sys::Error(object_words(given) +
                       ": it is immutable and cannot be changed; pausa down FILE removes it");
    if (source < origins.size() && !origins[source].empty())
      set_origin(plan.object, origins[source]);
    // What a claim has it keeps.
    if (plan.before && plan.object.claim.volume_name.empty())
      plan.object.claim.volume_name = plan.before->claim.volume_name;
    if (plan.before && plan.object.service) keep_given(*plan.before->service, plan.object);
    if (plan.before)
      plan.kind =
          same(*plan.before, plan.object) ? ObjectPlan::Kind::keep : ObjectPlan::Kind::update;
    volumes_change = volumes_change ||
                     (given.kind == pod::ObjectKind::volume && plan.kind != ObjectPlan::Kind::keep);
    plans.push_back(std::move(plan));
  }
  // One that has no volume yet may get one now.
  for (auto& plan : plans)
    if (plan.object.kind == pod::ObjectKind::claim && plan.object.claim.volume_name.empty() &&
        plan.kind == ObjectPlan::Kind::keep &&
        (volumes_change || pod::fitting_volume(plan.object, store.list(pod::ObjectKind::volume),
                                               store.list(pod::ObjectKind::claim)) != nullptr))
      plan.kind = ObjectPlan::Kind::update;
  return plans;
}

void apply_objects(const state::Store& pods, const std::vector<ObjectPlan>& plans) {
  const state::ObjectStore store(pods.paths());
  for (const auto& plan : plans) {
    if (plan.kind == ObjectPlan::Kind::keep) continue;
    if (plan.object.service)
      supervisor::store_service(pods, plan.object);
    else
      (void)store.put(plan.object);
  }
  for (const auto& plan : plans) {
    if (plan.object.kind != pod::ObjectKind::claim || plan.kind == ObjectPlan::Kind::keep) continue;
    pod::Object claim = plan.object;
    if (!claim.claim.volume_name.empty()) continue;
    const auto volumes = store.list(pod::ObjectKind::volume);
    const auto* volume = pod::fitting_volume(claim, volumes, store.list(pod::ObjectKind::claim));
    if (volume == nullptr) continue;
    claim.claim.volume_name = volume->metadata.name;
    (void)store.put(claim);
  }
}

std::string object_origin(const pod::Object& object) {
  for (const auto& [key, value] : object.metadata.annotations)
    if (key == origin_annotation) return value;
  return {};
}

std::string node_origin(const pod::Node& object) {
  const auto* const metadata = object.find("metadata");
  const auto* const annotations = metadata ? metadata->find("annotations") : nullptr;
  const auto* const origin = annotations ? annotations->find(origin_annotation) : nullptr;
  return origin ? origin->text : std::string();
}

void set_node_origin(pod::Node& object, const std::string& origin) {
  if (!origin.empty())
    object.set("metadata")
        .set("annotations")
        .set(origin_annotation, pod::Node::make_string(origin));
}

int sync_rules(const state::Store& store) noexcept {
  int code = exit_ok;
  try {
    supervisor::sync_policies(store);
  } catch (const std::exception& error) {
    std::cerr << "pausa: NetworkPolicies: " << error.what() << "\n";
    code = exit_failed;
  }
  try {
    supervisor::sync_services(store);
  } catch (const std::exception& error) {
    std::cerr << "pausa: Services: " << error.what() << "\n";
  }
  try {
    refresh_pods(store, {});
  } catch (const std::exception& error) {
    std::cerr << "pausa: node ports: " << error.what() << "\n";
  }
  return code;
}

bool remove_object(const state::Paths& paths, const pod::Object& object, bool claims) {
  const bool is_claim = object.kind == pod::ObjectKind::claim;
  if (is_claim && !claims) return false;
  const bool there = state::ObjectStore(paths).remove(object);
  if (is_claim) {
    const std::string data = paths.volume_dir({object.metadata.namespace_, object.metadata.name});
    supervisor::with_subordinate_ids([&] { sys::remove_tree_at(AT_FDCWD, data); });
  }
  return there;
}

}  // namespace pausa::cli
