#include "cli/checkup.hpp"
#include "cli/commands/commands.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"

#include <algorithm>
#include <iostream>

namespace pausa::cli {
namespace {

constexpr Option table[]{{"strict", nullptr, "exit with 1 when there are warnings"},
                         {"quiet,q", nullptr, "only what is amiss"},
                         {"output,o", "FORMAT", "table, json or yaml"}};

pod::Node report_node(const std::vector<Finding>& findings) {
  using pod::Node;
  Node list = Node::make_list();
  for (const auto& finding : findings) {
    Node node = Node::make_map();
    node.set("level", Node::make_string(level_name(finding.level)));
    node.set("subject", Node::make_string(finding.subject));
    node.set("text", Node::make_string(finding.text));
    if (!finding.fix.empty()) node.set("fix", Node::make_string(finding.fix));
    list.push(std::move(node));
  }
  Node report = Node::make_map();
  report.set("findings", std::move(list));
  return report;
}

}  // namespace

std::string doctor_options() {
  return options_help(table);
}

int run_doctor(const Arguments& arguments) {
  using Level = Finding::Level;
  const Options options(table, arguments);
  const auto format = output_format(options, {Format::table, Format::json, Format::yaml});
  const auto findings = check_machine(state::Paths::from_environment());
  const auto count = [&findings](Level level) {
    return std::count_if(findings.begin(), findings.end(),
                         [level](const Finding& finding) { return finding.level == level; });
  };
  const auto blocked = count(Level::blocked);
  const auto warnings = count(Level::warning);
  constexpr int blocked_code = 2;
  const int code = blocked > 0                             ? blocked_code
                   : warnings > 0 && options.has("strict") ? static_cast<int>(exit_failed)
                                                           : static_cast<int>(exit_ok);
  if (format != Format::table) {
    std::cout << node_text(report_node(findings), format);
    return code;
  }
  for (const auto& finding : findings) {
    if (finding.level == Level::ok && options.has("quiet")) continue;
    constexpr std::size_t level_width = 9;
    constexpr std::size_t subject_width = 18;
    std::string line = level_name(finding.level);
    line.append(level_width - std::min(line.size(), level_width - 1), ' ');
    line += finding.subject;
    line.append(subject_width - std::min(finding.subject.size(), subject_width - 1), ' ');
    std::cout << line << finding.text << "\n";
    if (!finding.fix.empty())
      std::cout << std::string(level_width, ' ') << "→ " << finding.fix << "\n";
  }
  if (blocked > 0)
    std::cout << "Pods cannot run here.\n";
  else if (warnings > 0)
    std::cout << "Pods can run here, with " << warnings
              << (warnings == 1 ? " restriction.\n" : " restrictions.\n");
  else
    std::cout << "Pods can run here.\n";
  return code;
}

}  // namespace pausa::cli
