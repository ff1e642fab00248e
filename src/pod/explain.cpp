#include "pod/explain.hpp"

#include "pod/fields.hpp"
#include "pod/schema.hpp"
#include "pod/suggest.hpp"

#include <algorithm>
#include <vector>

namespace pausa::pod {
namespace {

struct Place {
  const schema::Field* field = nullptr;  // nullptr: the object itself
  const schema::Type* type = nullptr;    // of an object, or of the items of a list
  const FieldSupport* support =
      nullptr;  // its own, or that of the field around it that is not done
};

std::string_view next_segment(std::string_view& path) {
  const std::size_t dot = path.find('.');
  std::string_view segment = path.substr(0, dot);
  path.remove_prefix(dot == std::string_view::npos ? path.size() : dot + 1);
  return segment.substr(0, segment.find('['));
}

Place below(const Place& around, const schema::Field& field) {
  Place place{&field, field.type(), around.support};
  if (!around.support || around.support->support == Support::done)
    place.support = find_support(around.type->name, field.name);
  return place;
}

std::string row(std::string_view label, std::string_view text) {
  if (text.empty()) return {};
  std::string out(label);
  out.resize(10, ' ');
  return out + std::string(text) + "\n";
}

std::string one_line(const Place& place, std::size_t name_width) {
  std::string out = concat({"  ", place.field->name});
  out.resize(std::max(name_width + 4, out.size() + 1), ' ');
  if (place.support && place.support->support != Support::done)
    out += concat({"[", support_text(place.support->support), "] "});
  out += schema::kind_text(*place.field);
  if (place.field->required) out += ", required";
  if (place.support && !place.support->about.empty()) out += concat({": ", place.support->about});
  return out + "\n";
}

std::string fields_below(const Place& place) {
  std::vector<const schema::Field*> fields;
  std::size_t width = 0;
  for (const schema::Field& field : place.type->fields) {
    fields.push_back(&field);
    width = std::max(width, field.name.size());
  }
  std::sort(fields.begin(), fields.end(),
            [](const auto* a, const auto* b) { return a->name < b->name; });
  std::string out = "\nfields\n";
  for (const schema::Field* const field : fields) {
    Place child = below(place, *field);
    // What shares the fate of the field above need not say so on every line.
    if (place.support && child.support == place.support) child.support = nullptr;
    out += one_line(child, width);
  }
  return out;
}

std::string joined(std::span<const std::string_view> values) {
  std::string out;
  for (const std::string_view value : values)
    out += (out.empty() ? "" : ", ") + (value.empty() ? "\"\"" : std::string(value));
  return out;
}

// "configmap", "ConfigMaps": what kubectl takes for a kind. Empty for what is a field of the Pod.
std::string_view named_kind(std::string_view segment) {
  if (segment.ends_with('s')) segment.remove_suffix(1);
  for (const std::string_view kind : schema::kinds())
    if (kind == segment || differs_in_case_only(kind, segment)) return kind;
  return {};
}

std::string_view about_kind(std::string_view kind) {
  if (kind == "ConfigMap") return "text that pods read as variables or files";
  if (kind == "Secret") return "what pods read and nobody prints";
  if (kind == "PersistentVolumeClaim") return "storage that outlives pods, by name";
  if (kind == "PersistentVolume") return "a directory of this machine that a claim can have";
  if (kind == "Deployment" || kind == "ReplicaSet") return "several pods of one template";
  if (kind == "StatefulSet") return "several pods of one template, each with claims of its own";
  if (kind == "DaemonSet") return "a pod for each machine: here, one";
  if (kind == "Job") return "pods that are to succeed so many times";
  if (kind == "CronJob") return "a Job to be started again and again";
  if (kind == "Namespace") return "a label that groups the pods of a project";
  return "containers that share namespaces and volumes";
}

}  // namespace

std::optional<std::string> explain(std::string_view path) {
  std::string_view rest = path;
  Place place{nullptr, &schema::pod_type(), nullptr};
  std::string_view kind = "Pod";
  std::string name = "pod";
  for (bool first = true; !rest.empty(); first = false) {
    const std::string_view segment = next_segment(rest);
    if (const auto named = first ? named_kind(segment) : ""; !named.empty()) {
      kind = named;
      place.type = schema::find_kind(kind);
      if (kind != "Pod") name = segment;
      continue;
    }
    const schema::Field* const field = place.type ? place.type->find(segment) : nullptr;
    if (!field || (place.field && place.field->shape == schema::Shape::map)) return std::nullopt;
    place = below(place, *field);
    name += concat({".", segment});
  }
  std::string out = name + "\n";
  if (!place.field) {
    out += row("type", kind) + row("about", about_kind(kind));
  } else {
    out += row("type", schema::kind_text(*place.field));
    if (place.field->required) out += row("required", "yes");
    out += row("values", joined(place.field->values));
    if (place.support) {
      const bool own = place.support->field.ends_with(concat({".", place.field->name}));
      out += row("support", support_text(place.support->support));
      if (own) out += row("about", place.support->about);
      out += row(place.support->support == Support::done ? "here" : "why", place.support->note);
    }
  }
  if (place.type) out += fields_below(place);
  return out;
}

}  // namespace pausa::pod
