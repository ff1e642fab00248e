#include "pod/validate.hpp"

#include "pod/fields.hpp"
#include "pod/suggest.hpp"

#include <algorithm>

namespace pausa::pod {
namespace {

bool lies_in(std::string_view path, std::string_view around) {
  return path.starts_with(around) &&
         (path.size() == around.size() || path[around.size()] == '.' || path[around.size()] == '[');
}

// "spec.contaners" was written and "spec.containers" is missing: one fault, not two.
bool is_misspelt(const Diagnostic& missing, const Diagnostic& unknown) {
  const std::size_t dot = missing.path.rfind('.');
  const std::size_t other = unknown.path.rfind('.');
  if (missing.kind != ErrorKind::required || unknown.kind != ErrorKind::unknown_field ||
      dot != other || missing.path.compare(0, dot, unknown.path, 0, other) != 0)
    return false;
  const std::string_view wanted = std::string_view(missing.path).substr(dot + 1);
  return closest(std::string_view(unknown.path).substr(other + 1), {&wanted, 1}).has_value();
}

// A value of the wrong type reads as absent; what follows from that is noise.
void drop_echoes(Diagnostics& later, const Diagnostics& schema) {
  const auto echo = [&schema](const Diagnostic& finding) {
    return std::any_of(schema.begin(), schema.end(), [&finding](const Diagnostic& cause) {
      return lies_in(finding.path, cause.path) || is_misspelt(finding, cause);
    });
  };
  later.erase(std::remove_if(later.begin(), later.end(), echo), later.end());
}

void sort_by_place(Diagnostics& diagnostics) {
  std::stable_sort(
      diagnostics.begin(), diagnostics.end(), [](const Diagnostic& a, const Diagnostic& b) {
        return std::pair(a.mark.line, a.mark.column) < std::pair(b.mark.line, b.mark.column);
      });
}

}  // namespace

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
  drop_echoes(rest, schema.list());
  Diagnostics all = schema.take();
  all.insert(all.end(), std::make_move_iterator(rest.begin()), std::make_move_iterator(rest.end()));
  sort_by_place(all);
  return all;
}

}  // namespace pausa::pod
