#include "pod/validate.hpp"

#include "pod/fields.hpp"
#include "pod/object.hpp"
#include "pod/rules.hpp"
#include "pod/suggest.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace pausa::pod {
namespace {

// The object that holds the field; empty for a field of the Pod itself.
std::string_view parent_of(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  return dot == std::string_view::npos ? std::string_view{} : path.substr(0, dot);
}

std::string_view name_of(std::string_view path) {
  return path.substr(path.rfind('.') + 1);
}

// Whether the path, or a part of it that ends before a dot or bracket, is among paths.
bool lies_in(std::string_view path, const std::unordered_set<std::string_view>& paths) {
  for (std::size_t end = path.size(); end != std::string_view::npos && end > 0;
       end = path.find_last_of(".[", end - 1))
    if (paths.find(path.substr(0, end)) != paths.end()) return true;
  return false;
}

using PathsByParent = std::unordered_multimap<std::string_view, std::string_view>;

// "spec.contaners" was written and "spec.containers" is missing: one fault, not two.
bool is_misspelt(std::string_view missing, const PathsByParent& unknown) {
  for (; !missing.empty(); missing = parent_of(missing)) {
    const std::string_view wanted = name_of(missing);
    const auto [begin, end] = unknown.equal_range(parent_of(missing));
    if (std::any_of(begin, end, [&](const auto& entry) {
          return closest(name_of(entry.second), {&wanted, 1}).has_value();
        }))
      return true;
  }
  return false;
}

// A value of the wrong type reads as absent; what follows from that is noise.
void drop_echoes(Diagnostics& later, const Diagnostics& schema) {
  std::unordered_set<std::string_view> faulty;
  PathsByParent unknown;
  for (const Diagnostic& cause : schema) {
    faulty.insert(cause.path);
    if (cause.kind == ErrorKind::unknown_field) unknown.emplace(parent_of(cause.path), cause.path);
  }
  const auto echo = [&](const Diagnostic& finding) {
    if (lies_in(finding.path, faulty)) return true;
    return finding.kind == ErrorKind::required && is_misspelt(finding.path, unknown);
  };
  later.erase(std::remove_if(later.begin(), later.end(), echo), later.end());
}

void sort_by_place(Diagnostics& diagnostics) {
  std::stable_sort(
      diagnostics.begin(), diagnostics.end(), [](const Diagnostic& a, const Diagnostic& b) {
        return std::pair(a.mark.line, a.mark.column) < std::pair(b.mark.line, b.mark.column);
      });
}

// The causes, then what does not follow from them; in the order of the source.
Diagnostics merged(Diagnostics schema, Diagnostics rest) {
  drop_echoes(rest, schema);
  schema.insert(schema.end(), std::make_move_iterator(rest.begin()),
                std::make_move_iterator(rest.end()));
  sort_by_place(schema);
  return schema;
}

}  // namespace

Diagnostics validate_object(const Node& node, ObjectKind kind) {
  const Value root(node);
  Findings schema;
  check_object_schema(root, kind_name(kind), schema);
  Findings rest;
  check_object_rules(root, kind, rest);
  check_support(root, kind_name(kind), rest);
  Diagnostics all = merged(schema.take(), rest.take());
  if (kind != ObjectKind::secret) return all;
  for (Diagnostic& finding : all) {
    if (!finding.path.starts_with("data[") && !finding.path.starts_with("stringData[")) continue;
    finding.confidential = true;
    finding.value.clear();
    if (finding.hint.starts_with("quote it")) finding.hint = "quote it";
  }
  return all;
}

Diagnostics validate_workload(const Node& object, WorkloadKind kind,
                              const ValidateOptions& options) {
  const Value root(object);
  Findings schema;
  check_object_schema(root, kind_name(kind), schema);
  Findings rest;
  check_workload_rules(root, kind, rest);
  check_support(root, kind_name(kind), rest);
  Value spec = root["spec"];
  if (kind == WorkloadKind::cron_job) spec = spec["jobTemplate"]["spec"];
  check_our_rules(spec["template"], options, rest);
  return merged(schema.take(), rest.take());
}

Diagnostics validate_pod(const Node& pod, const ValidateOptions& options) {
  const Value root(pod);
  Findings schema;
  check_schema(root, schema);
  Diagnostics rest = kubernetes_validation(pod);
  Findings ours;
  check_support(root, ours);
  check_our_rules(root, options, ours);
  const Diagnostics support = ours.take();
  rest.insert(rest.end(), support.begin(), support.end());
  return merged(schema.take(), std::move(rest));
}

Diagnostics validate_ephemeral(const Node& pod, const Node& container,
                               const ValidateOptions& options) {
  Node whole = pod;
  Node list = Node::make_list();
  list.push(container);
  whole.set("spec").set("ephemeralContainers", std::move(list));
  Diagnostics findings = validate_pod(whole, options);
  std::erase_if(findings, [](const Diagnostic& finding) {
    return !finding.path.starts_with("spec.ephemeralContainers") ||
           finding.text == refused_on_create;
  });
  return findings;
}

}  // namespace pausa::pod
