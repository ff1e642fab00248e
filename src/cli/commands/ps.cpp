#include "cli/commands/commands.hpp"
#include "cli/inspect_object.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/pod_list.hpp"
#include "cli/selector.hpp"
#include "cli/table.hpp"
#include "cli/target.hpp"
#include "cli/template.hpp"
#include "cli/workloads.hpp"
#include "pod/time_text.hpp"
#include "supervisor/stored_pod.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <iostream>

namespace pausa::cli {
namespace {

using pod::Node;

constexpr Option table[]{
    {"all,a", nullptr, "also pods that have ended"},
    {"quiet,q", nullptr, "names only"},
    {"output,o", "FORMAT", "table, wide, json, yaml or name"},
    {"format", "TEMPLATE", "a Go template for each pod: {{.name}} {{.ready}} {{.status}}…"},
    {"namespace,n", "NAME", "only pods of this namespace"},
    {"all-namespaces,A", nullptr, "pods of all namespaces, whatever PAUSA_NAMESPACE says"},
    {"selector,l", "LABELS", "only pods with these labels: a=b,c!=d,e in (f,g),h,!i"},
    {"filter", "KEY=VALUE", "only pods with this name, namespace, status, id or label"},
    {"no-headers", nullptr, "no line of headings"},
    {"no-trunc", nullptr, "ids in full"}};

bool is_ours(const std::string& status, const std::string& wanted) {
  return std::equal(status.begin(), status.end(), wanted.begin(), wanted.end(), [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) ==
           std::tolower(static_cast<unsigned char>(b));
  });
}

// What is asked of a pod besides being there.
class Filter {
 public:
  Filter(const state::Store& store, const Options& options) : store_(store) {
    const char* home = std::getenv("PAUSA_NAMESPACE");
    if (const auto given = options.get("namespace"))
      namespace_ = *given;
    else if (home != nullptr && !options.has("all-namespaces"))
      namespace_ = home;
    for (const auto& text : options.all("selector")) selectors_.emplace_back(text);
    for (const auto& text : options.all("filter")) {
      const auto equals = text.find('=');
      const std::string key = text.substr(0, equals);
      const std::string value = equals == std::string::npos ? "" : text.substr(equals + 1);
      if (key == "label")
        selectors_.emplace_back(value);
      else if (equals == std::string::npos ||
               (key != "name" && key != "namespace" && key != "status" && key != "id"))
        throw UsageError("--filter " + text +
                         ": there are name=, namespace=, status=, id=, label=");
      else
        fields_.emplace_back(key, value);
    }
    for (const auto& word : options.words()) {
      for (auto& target : targets_of(store, word, options.get("namespace"))) {
        if (!target.container.empty())
          throw UsageError("ps lists pods; \"" + word + "\" names a container");
        names_.push_back(std::move(target.key));
      }
    }
  }

  bool takes(const PodEntry& entry) const {
    if (!names_.empty()) {
      if (std::find(names_.begin(), names_.end(), entry.key) == names_.end()) return false;
    } else if (!namespace_.empty() && entry.key.namespace_ != namespace_) {
      return false;
    }
    for (const auto& [key, value] : fields_) {
      if (key == "name" && entry.key.name.find(value) == std::string::npos) return false;
      if (key == "namespace" && entry.key.namespace_ != value) return false;
      if (key == "status" && !is_ours(entry.status, value)) return false;
      if (key == "id" && (!entry.record || !entry.record->uid.starts_with(value))) return false;
    }
    if (selectors_.empty()) return true;
    const auto stored = supervisor::find_stored_pod(store_, entry.key);
    return stored && std::all_of(selectors_.begin(), selectors_.end(), [&](const Selector& one) {
             return one.matches(stored->pod.metadata.labels);
           });
  }

  const std::vector<state::PodKey>& names() const { return names_; }

 private:
  const state::Store& store_;
  std::string namespace_;
  std::vector<state::PodKey> names_;
  std::vector<Selector> selectors_;
  pod::KeyValues fields_;
};

struct Row {
  std::string ready, status, restarts, age, ip, uid, infra, containers, owner;
};

Row row_of(const PodEntry& entry, pod::WallTime now, bool whole_ids) {
  Row row{std::to_string(entry.ready) + "/" + std::to_string(entry.containers),
          entry.status,
          std::to_string(entry.restarts.count),
          "-",
          "-",
          "-",
          "-",
          "-"};
  if (entry.restarts.last.count() != 0)
    row.restarts += " (" + pod::age_text(now - entry.restarts.last) + " ago)";
  if (!entry.record) return row;
  const auto& record = *entry.record;
  constexpr std::size_t short_id = 12;
  row.age = pod::age_text(now - pod::WallTime(record.created_ns));
  row.uid = whole_ids ? record.uid : record.uid.substr(0, short_id);
  if (!record.network.ipv4.empty()) row.ip = record.network.ipv4;
  if (record.infra && !entry.ended) row.infra = std::to_string(record.infra.pid);
  row.containers.clear();
  for (const auto& container : record.containers)
    if (!container.init) row.containers += (row.containers.empty() ? "" : ",") + container.name;
  return row;
}

Node row_node(const PodEntry& entry, const Row& row) {
  Node node = Node::make_map();
  const auto set = [&node](const char* key, const std::string& value) {
    node.set(key, Node::make_string(value));
  };
  // Podman's and Docker's fingers know capitals.
  for (const bool capital : {false, true}) {
    set(capital ? "Name" : "name", entry.key.name);
    set(capital ? "Namespace" : "namespace", entry.key.namespace_);
    set(capital ? "Ready" : "ready", row.ready);
    set(capital ? "Status" : "status", row.status);
    set(capital ? "Restarts" : "restarts", row.restarts);
    set(capital ? "Age" : "age", row.age);
    set(capital ? "IP" : "ip", row.ip);
    set(capital ? "ID" : "id", row.uid);
    set(capital ? "Infra" : "infra", row.infra);
    set(capital ? "Containers" : "containers", row.containers);
  }
  return node;
}

std::string table_text(const state::Store& store, const std::vector<PodEntry>& entries,
                       const Options& options, bool wide) {
  const bool with_namespace =
      options.has("all-namespaces") ||
      std::any_of(entries.begin(), entries.end(), [&entries](const PodEntry& entry) {
        return entry.key.namespace_ != entries.front().key.namespace_;
      });
  Table::Row header;
  if (with_namespace) header.emplace_back("NAMESPACE");
  for (const char* name : {"NAME", "READY", "STATUS", "RESTARTS", "AGE"}) header.emplace_back(name);
  if (wide)
    for (const char* name : {"IP", "INFRA", "UID", "CONTAINERS", "OWNER"})
      header.emplace_back(name);
  Table lines(std::move(header));
  const pod::WallTime now = std::chrono::system_clock::now().time_since_epoch();
  for (const auto& entry : entries) {
    Row row = row_of(entry, now, options.has("no-trunc"));
    if (wide) row.owner = owner_of(store, entry.key);
    if (row.owner.empty()) row.owner = "-";
    Table::Row cells;
    if (with_namespace) cells.push_back(entry.key.namespace_);
    for (const auto& cell : {entry.key.name, row.ready, row.status, row.restarts, row.age})
      cells.push_back(cell);
    if (wide)
      for (const auto& cell : {row.ip, row.infra, row.uid, row.containers, row.owner})
        cells.push_back(cell);
    lines.add(std::move(cells));
  }
  return lines.text(!options.has("no-headers"));
}

Node object_of(const state::Store& store, const PodEntry& entry) {
  return entry.record ? inspect_object(store, *entry.record)
                      : inspect_without_record(store, entry.key);
}

}  // namespace

std::string ps_options() {
  return options_help(table);
}

int run_ps(const Arguments& arguments) {
  const Options options(table, arguments);
  const auto format = output_format(
      options, {Format::table, Format::wide, Format::json, Format::yaml, Format::name});
  const state::Store store(state::Paths::from_environment());
  const Filter filter(store, options);
  // Who names a pod, or asks for a status, wants to see it even if it has ended.
  const bool ended =
      options.has("all") || !filter.names().empty() || !options.all("filter").empty();
  std::vector<std::string> troubles;
  auto entries = list_pods(store, ended, troubles);
  std::erase_if(entries, [&filter](const PodEntry& entry) { return !filter.takes(entry); });
  int code = exit_ok;
  for (const auto& trouble : troubles) {
    std::cerr << "pausa: " << trouble << "\n";
    code = exit_failed;
  }
  for (const auto& name : filter.names()) {
    if (std::any_of(entries.begin(), entries.end(),
                    [&name](const PodEntry& entry) { return entry.key == name; }))
      continue;
    std::cerr << "pausa: no pod " << name.name << " in namespace " << name.namespace_ << "\n";
    code = exit_no_such_object;
  }

  const auto pattern = options.get("format");
  if (options.has("quiet") || format == Format::name) {
    const char* prefix = format == Format::name ? "pod/" : "";
    for (const auto& entry : entries) std::cout << prefix << entry.key.name << "\n";
  } else if (format == Format::json || format == Format::yaml || pattern == "json") {
    std::vector<Node> objects;
    for (const auto& entry : entries) {
      try {
        objects.push_back(object_of(store, entry));
      } catch (const NoSuchObject&) {
        continue;  // removed since the list was read
      }
    }
    std::cout << node_text(list_node(std::move(objects)), format);
  } else if (pattern) {
    const pod::WallTime now = std::chrono::system_clock::now().time_since_epoch();
    for (const auto& entry : entries)
      std::cout << render_template(*pattern,
                                   row_node(entry, row_of(entry, now, options.has("no-trunc"))))
                << "\n";
  } else if (entries.empty() && ::isatty(STDOUT_FILENO) == 1) {
    std::cerr << (ended ? "no pods\n" : "no pods run (pausa ps -a shows those that ended)\n");
  } else {
    std::cout << table_text(store, entries, options, format == Format::wide);
  }
  return code;
}

}  // namespace pausa::cli
