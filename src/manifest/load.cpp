#include "manifest/load.hpp"

#include "manifest/render.hpp"
#include "manifest/sources.hpp"
#include "manifest/text.hpp"
#include "pod/decode.hpp"
#include "pod/job.hpp"
#include "pod/suggest.hpp"
#include "pod/validate.hpp"
#include "pod/value.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>
#include <map>
#include <tuple>
#include <utility>

namespace pausa::manifest {

namespace {

using pod::Diagnostic;
using pod::ErrorKind;
using pod::Node;

constexpr std::array<std::string_view, 15> supported_kinds = {
    "ConfigMap", "CronJob",    "DaemonSet",     "Deployment",       "Job",
    "List",      "Namespace",  "NetworkPolicy", "PersistentVolume", "PersistentVolumeClaim",
    "Pod",       "ReplicaSet", "Secret",        "Service",          "StatefulSet"};
constexpr std::array<std::string_view, 4> list_fields = {"apiVersion", "kind", "metadata", "items"};

// As it is to be judged where a command gives it the host's network.
void set_host_network(Node* spec) {
  if (spec == nullptr || !spec->is_map()) return;
  if (const Node* const own = spec->find("hostNetwork"); own && own->kind != Node::Kind::boolean)
    return;
  spec->set("hostNetwork", Node::make_boolean(true)).mark = spec->mark;
}

class Unpacker {
 public:
  Unpacker(LoadResult& result, const pod::ValidateOptions& options)
      : result_(result), options_(options) {}

  // prefix: where the object stands in its document ("items[2]."), for the paths of findings.
  void object(const Node& node, std::size_t source, const std::string& prefix, bool in_list) {
    source_ = source;
    prefix_ = prefix;
    if (!node.is_map()) {
      fault(ErrorKind::type_invalid, node.mark, {}, {},
            "an object is a map of fields, not " + std::string(kind_name(node.kind)));
      return;
    }
    const std::string_view kind = text_field(node, "kind");
    const std::string_view version = text_field(node, "apiVersion");
    if (kind == "List" && !in_list) {
      if (check_version(node, kind, version)) list(node, source);
    } else if (kind == "Pod") {
      if (check_version(node, kind, version)) pod(node);
    } else if (const auto known = pod::object_kind(kind)) {
      if (check_version(node, kind, version)) beside(node, *known);
    } else if (const auto workload = pod::workload_kind(kind)) {
      if (check_version(node, kind, version)) this->workload(node, *workload);
    } else if (!kind.empty()) {
      other_kind(*node.find("kind"), in_list);
    }
  }

  // Claims of a template that the manifest has under their names are the user's.
  void finish() {
    for (LoadedObject& claim : made_claims_) {
      const auto& metadata = claim.object.metadata;
      const std::tuple key(std::string(pod::resource_name(pod::ObjectKind::claim)),
                           metadata.namespace_, metadata.name);
      if (names_.emplace(key, "").second) result_.objects.push_back(std::move(claim));
    }
  }

 private:
  Diagnostic& fault(ErrorKind kind, pod::Mark mark, std::string path, std::string value,
                    std::string text, std::string hint = {}) {
    Diagnostic diagnostic;
    diagnostic.kind = kind;
    diagnostic.file = result_.sources[source_].name;
    diagnostic.mark = mark;
    diagnostic.path = prefix_ + path;
    if (path.empty() && !prefix_.empty()) diagnostic.path.pop_back();
    diagnostic.value = std::move(value);
    diagnostic.text = std::move(text);
    diagnostic.hint = std::move(hint);
    return result_.diagnostics.emplace_back(std::move(diagnostic));
  }

  // Empty when it is missing or no string; then a fault is noted.
  std::string_view text_field(const Node& node, const std::string& field) {
    const Node* const value = node.find(field);
    const Node* const kind = node.find("kind");
    const std::string example =
        field == "kind"
            ? "kind: Pod"
            : "apiVersion: " + std::string(version_of(kind && kind->is_string() ? kind->text : ""));
    if (!value || value->is_null() || (value->is_string() && value->text.empty())) {
      fault(ErrorKind::required, value ? value->mark : node.mark, field, {}, {},
            "write \"" + example + "\"");
      return {};
    }
    if (!value->is_string()) {
      fault(ErrorKind::type_invalid, value->mark, field, to_json(*value), "must be a string",
            "write \"" + example + "\"");
      return {};
    }
    return value->text;
  }

  static std::string_view version_of(std::string_view kind) {
    const auto workload = pod::workload_kind(kind);
    if (workload) return pod::api_version(*workload);
    const auto object = pod::object_kind(kind);
    return object ? pod::api_version(*object) : "v1";
  }

  bool check_version(const Node& node, std::string_view kind, std::string_view version) {
    if (version == version_of(kind)) return true;
    if (version.empty()) return false;
    const Node& value = *node.find("apiVersion");
    fault(ErrorKind::invalid, value.mark, "apiVersion", to_json(value),
          "no matches for kind \"" + std::string(kind) + "\" in version \"" + value.text + "\"",
          "write \"apiVersion: " + std::string(version_of(kind)) + "\"");
    return false;
  }

  // Those of a cluster are left out, with a word; what looks like one of ours is a slip.
  void other_kind(const Node& kind, bool in_list) {
    const auto near = pod::closest(kind.text, supported_kinds);
    const bool list = kind.text == "List";
    if (!near && !list) {
      fault(ErrorKind::none, kind.mark, "kind", {},
            kind.text + " is left out: it has no meaning on one machine")
          .severity = pod::Severity::note;
      return;
    }
    std::string hint;
    if (near && !list) hint = "did you mean \"" + std::string(*near) + "\"?";
    fault(ErrorKind::unsupported, kind.mark, "kind", to_json(kind), supported_text(in_list),
          std::move(hint));
  }

  static std::string supported_text(bool in_list) {
    std::string text = "supported values:";
    for (const std::string_view kind : supported_kinds) {
      if (in_list && kind == "List") continue;
      (text += text.back() == ':' ? " " : ", ") += pod::quoted(kind);
    }
    return text;
  }

  void list(const Node& node, std::size_t source) {
    for (const pod::Entry& entry : node.entries) {
      if (std::find(list_fields.begin(), list_fields.end(), entry.key) == list_fields.end()) {
        fault(ErrorKind::unknown_field, entry.key_mark, entry.key, {}, {});
      }
    }
    const Node* const items = node.find("items");
    if (!items || items->is_null()) {
      fault(ErrorKind::required, node.mark, "items", {}, {});
    } else if (!items->is_list()) {
      fault(ErrorKind::type_invalid, items->mark, "items", {},
            "must be a list, not " + std::string(kind_name(items->kind)));
    } else {
      for (std::size_t i = 0; i < items->items.size(); ++i) {
        object(items->items[i], source, "items[" + std::to_string(i) + "].", true);
      }
    }
  }

  pod::Diagnostics judge_pod(const Node& node) const {
    if (!options_.host_network) return pod::validate_pod(node, options_);
    Node judged = node;
    set_host_network(judged.find("spec"));
    return pod::validate_pod(judged, options_);
  }

  pod::Diagnostics judge_workload(const Node& node, pod::WorkloadKind kind) const {
    if (!options_.host_network) return pod::validate_workload(node, kind, options_);
    Node judged = node;
    Node* const pod_template = pod::template_of(judged, kind);
    set_host_network(pod_template ? pod_template->find("spec") : nullptr);
    return pod::validate_workload(judged, kind, options_);
  }

  void pod(const Node& node) {
    pod::Diagnostics findings = judge_pod(node);
    LoadedPod loaded;
    loaded.source = source_;
    loaded.object = node;
    resolve_host_paths(loaded.object.find("spec"));
    loaded.pod = pod::decode_pod(loaded.object, findings);
    loaded.prefix = prefix_;
    const bool bad = add_findings(std::move(findings));
    const bool doubled = is_doubled(node, "pod", loaded.pod.metadata);
    if (!bad && !doubled) result_.pods.push_back(std::move(loaded));
  }

  void workload(const Node& node, pod::WorkloadKind kind) {
    pod::Diagnostics findings = judge_workload(node, kind);
    LoadedWorkload loaded{pod::decode_workload(node, kind), node, source_, prefix_, {}};
    Node* const pod_template = pod::template_of(loaded.object, kind);
    resolve_host_paths(pod_template ? pod_template->find("spec") : nullptr);
    if (pod_template) check_template_annotations(*pod_template, kind, findings);
    const bool bad = add_findings(std::move(findings));
    const bool doubled = is_doubled(node, pod::resource_name(kind), loaded.workload.metadata);
    if (bad || doubled) return;
    if (!pod::keeps_pods(kind)) {
      loaded.sample = made_pod(pod::sample_pod(loaded.object, loaded.workload), loaded.workload);
    }
    for (Node& object : pod::pods_of(loaded.object, loaded.workload)) {
      LoadedPod made = made_pod(std::move(object), loaded.workload);
      if (is_doubled(node, "pod", made.pod.metadata)) return;
      result_.pods.push_back(std::move(made));
    }
    for (Node& claim : pod::claims_of(loaded.object, loaded.workload)) {
      LoadedObject made{pod::decode_object(claim, pod::ObjectKind::claim), {}, source_, prefix_};
      made.node = std::move(claim);
      made_claims_.push_back(std::move(made));
    }
    result_.workloads.push_back(std::move(loaded));
  }

  LoadedPod made_pod(Node object, const pod::Workload& workload) const {
    LoadedPod made;
    made.source = source_;
    pod::Diagnostics known;
    made.pod = pod::decode_pod(object, known);
    made.object = std::move(object);
    made.prefix = prefix_ + std::string(pod::template_prefix(workload.kind));
    made.owner = pod::workload_words(workload.kind, workload.metadata.name);
    return made;
  }

  // Faults of our own annotations are found where a pod is decoded.
  static void check_template_annotations(const Node& pod_template, pod::WorkloadKind kind,
                                         pod::Diagnostics& findings) {
    pod::Diagnostics own;
    (void)pod::decode_pod(pod_template, own);
    for (Diagnostic& finding : own) {
      finding.path.insert(0, pod::template_prefix(kind));
      findings.push_back(std::move(finding));
    }
  }

  void beside(const Node& node, pod::ObjectKind kind) {
    const bool bad = add_findings(pod::validate_object(node, kind));
    LoadedObject loaded{pod::decode_object(node, kind), node, source_, prefix_};
    std::string& path = loaded.object.volume.path;
    const std::filesystem::path& folder = result_.sources[source_].folder;
    if (!path.empty() && path.front() != '/' && !folder.empty())
      path = (folder / path).lexically_normal();
    const bool doubled = is_doubled(node, pod::resource_name(kind), loaded.object.metadata);
    if (!bad && !doubled) result_.objects.push_back(std::move(loaded));
  }

  // Whether there is an error among them.
  bool add_findings(pod::Diagnostics findings) {
    for (Diagnostic& finding : findings) {
      finding.file = result_.sources[source_].name;
      if (!finding.path.empty()) finding.path.insert(0, prefix_);
    }
    const bool bad = pod::has_errors(findings);
    result_.diagnostics.insert(result_.diagnostics.end(), std::make_move_iterator(findings.begin()),
                               std::make_move_iterator(findings.end()));
    return bad;
  }

  bool is_doubled(const Node& node, std::string_view kind, const pod::Metadata& metadata) {
    const Node* const map = node.find("metadata");
    const Node* const name = map ? map->find("name") : nullptr;
    if (metadata.name.empty() || !name) return false;
    const std::string where = result_.sources[source_].name + ":" + place(name->mark);
    const auto [first, fresh] =
        names_.emplace(std::tuple(std::string(kind), metadata.namespace_, metadata.name), where);
    if (fresh) return false;
    const bool made = name->text != metadata.name;
    fault(ErrorKind::duplicate, name->mark, "metadata.name", to_json(*name),
          "a " + std::string(kind) + (made ? " " + metadata.name : " of this name") +
              (metadata.namespace_.empty() || made ? "" : " and namespace") + " stands at " +
              first->second);
    return true;
  }

  // A relative hostPath starts at the manifest's folder, so that a manifest and its data can move
  // together. (On a cluster it would start at the kubelet's working directory.)
  void resolve_host_paths(Node* spec) {
    const std::filesystem::path& folder = result_.sources[source_].folder;
    Node* const volumes = spec ? spec->find("volumes") : nullptr;
    if (!volumes || folder.empty()) return;
    for (Node& volume : volumes->items) {
      Node* const host = volume.find("hostPath");
      Node* const path = host ? host->find("path") : nullptr;
      if (!path || !path->is_string() || path->text.empty() || path->text.front() == '/') continue;
      path->text = (folder / path->text).lexically_normal();
    }
  }

  LoadResult& result_;
  const pod::ValidateOptions& options_;
  std::size_t source_ = 0;
  std::string prefix_;
  // Kind, namespace and name of what was seen, and where it stands.
  std::map<std::tuple<std::string, std::string, std::string>, std::string> names_;
  std::vector<LoadedObject> made_claims_;
};

}  // namespace

LoadResult load(std::vector<Source> sources, const pod::ValidateOptions& options,
                const Variables* variables) {
  LoadResult result;
  result.sources = std::move(sources);
  ReadResult read_result = read(result.sources, variables);
  result.diagnostics = std::move(read_result.diagnostics);
  result.variables = std::move(read_result.variables);
  Unpacker unpacker(result, options);
  for (const Document& document : read_result.documents) {
    unpacker.object(document.root, document.source, {}, false);
  }
  unpacker.finish();
  for (std::size_t i = 0; i < result.sources.size(); ++i) {
    const auto in_source = [i](const Document& document) { return document.source == i; };
    const auto about_it = [&](const Diagnostic& d) { return d.file == result.sources[i].name; };
    if (std::none_of(read_result.documents.begin(), read_result.documents.end(), in_source) &&
        std::none_of(result.diagnostics.begin(), result.diagnostics.end(), about_it)) {
      result.diagnostics.push_back(syntax_error({1, 1}, "no objects found"));
      result.diagnostics.back().file = result.sources[i].name;
    }
  }
  sort_and_dedupe(result.diagnostics, result.sources);
  if (pod::has_errors(result.diagnostics)) {
    result.pods.clear();
    result.objects.clear();
    result.workloads.clear();
  }
  return result;
}

LoadResult load_paths(const std::vector<std::string>& paths, const pod::ValidateOptions& options,
                      const Variables* variables) {
  LoadedSources loaded = load_sources(paths);
  LoadResult result = load(std::move(loaded.sources), options, variables);
  if (!loaded.diagnostics.empty()) {
    result.pods.clear();
    result.objects.clear();
    result.workloads.clear();
  }
  result.diagnostics.insert(result.diagnostics.begin(),
                            std::make_move_iterator(loaded.diagnostics.begin()),
                            std::make_move_iterator(loaded.diagnostics.end()));
  return result;
}

}  // namespace pausa::manifest
