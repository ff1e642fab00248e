#include "pod/explain.hpp"
#include "pod/fields.hpp"
#include "pod/schema.hpp"

#include <algorithm>
#include <vector>

namespace pausa::pod {
namespace {

struct Section {
  const schema::Type* type;
  std::string place;  // "spec.containers[]"
};

void add_below(std::vector<Section>& all, std::size_t from) {
  for (std::size_t i = from; i < all.size(); ++i) {
    for (const schema::Field& field : all[i].type->fields) {
      const FieldSupport* const support = find_support(all[i].type->name, field.name);
      if (!field.type() || !support || support->support != Support::done) continue;
      std::string place = all[i].place.empty() ? "" : all[i].place + ".";
      place += field.name;
      if (field.shape == schema::Shape::list) place += "[]";
      const auto known = std::find_if(all.begin(), all.end(), [&](const Section& section) {
        return section.type == field.type();
      });
      if (known == all.end()) all.push_back({field.type(), std::move(place)});
    }
  }
}

// The types that done fields lead to, in the order in which a reader meets them: the Pod's first.
std::vector<Section> sections() {
  std::vector<Section> all{{&schema::pod_type(), {}}};
  add_below(all, 0);
  for (const std::string_view kind : schema::kinds()) {
    if (kind == "Pod") continue;
    all.push_back({schema::find_kind(kind), {}});
    add_below(all, all.size() - 1);
  }
  return all;
}

// A cell of a table: pipes would end it, and an asterisk starts emphasis.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '*') out += '\\';
    out += c;
  }
  return out;
}

std::string field_row(const schema::Type& type, const schema::Field& field,
                      const FieldTests& tests) {
  const FieldSupport* const support = find_support(type.name, field.name);
  if (!support) return {};
  std::string text = cell(support->about);
  if (!text.empty() && !support->note.empty()) text += ". ";
  if (!support->note.empty()) text += concat({"*", cell(support->note), "*"});
  std::string out = concat({"| `", field.name, "` | ", schema::kind_text(field)});
  if (field.required) out += ", required";
  const auto proof = tests.find(support->field);
  return concat({out, " | ", support_text(support->support), " | ", text, " | ",
                 proof == tests.end() ? std::string_view() : proof->second, " |\n"});
}

std::string section_text(const Section& section, const FieldTests& tests) {
  std::string out = concat({"\n## ", section.type->name});
  if (!section.place.empty()) out += " (`" + section.place + "`)";
  out +=
      "\n\n| field | type | verdict | what it is for; *how it differs, or why not* | tests |\n"
      "|---|---|---|---|---|\n";
  for (const schema::Field& field : section.type->fields)
    out += field_row(*section.type, field, tests);
  return out;
}

std::string differences_text() {
  std::string out =
      "\n## Differences to Kubernetes\n\n"
      "A Pod that an API server (1.36) accepts or refuses is accepted or refused here, with the "
      "same kind\n"
      "of error at the same field; the unit tests hold this against a server's answers to 350 "
      "Pods. These\n"
      "are the exceptions.\n\n"
      "| what | Kubernetes | pausa | reason |\n|---|---|---|---|\n";
  for (const Difference& difference : differences())
    out += concat({"| ", cell(difference.subject), " | ", cell(difference.kubernetes), " | ",
                   cell(difference.here), " | ", cell(difference.reason), " |\n"});
  return out;
}

}  // namespace

std::string fields_markdown(const FieldTests& tests) {
  std::string out =
      "# Fields of the Pod, and of the objects beside it\n\n"
      "<!-- Made from src/pod/fields_table.cpp and src/pod/differences.cpp by "
      "scripts/generate-fields. -->\n\n"
      "The whole schema of the Kubernetes Pod (v1.36) is known, and every field has a verdict:\n\n"
      "| verdict | in a manifest |\n|---|---|\n"
      "| done | honoured |\n"
      "| accepted, no effect here | a note says why |\n"
      "| accepted, no effect yet | a warning says what is missed |\n"
      "| not supported yet, not supported | an error; nothing is started |\n\n"
      "What lies below a field that is not done shares its verdict. A value that asks for nothing "
      "(an empty\n"
      "list, `false`, what an API server fills in by itself) gives neither error nor note. "
      "`status` is ignored.\n"
      "Unknown fields are errors. `pausa explain pod.spec.containers` prints the same table. The "
      "tests of a row\n"
      "are those that say so (`Fields:`, see [hacking.md](hacking.md)).\n";
  for (const Section& section : sections()) out += section_text(section, tests);
  return out + differences_text();
}

}  // namespace pausa::pod
