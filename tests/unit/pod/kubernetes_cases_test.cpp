// 350 Pods with the verdicts of a real API server (tests/data/kubernetes/README.md).
#include "pod/fields.hpp"
#include "pod/validate.hpp"
#include "support/json_node.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <string>

using namespace pausa::pod;
namespace test = pausa::test;

namespace {

std::string_view api_type(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::required:
      return "FieldValueRequired";
    case ErrorKind::invalid:
      return "FieldValueInvalid";
    case ErrorKind::unsupported:
      return "FieldValueNotSupported";
    case ErrorKind::duplicate:
      return "FieldValueDuplicate";
    case ErrorKind::forbidden:
      return "FieldValueForbidden";
    case ErrorKind::not_found:
      return "FieldValueNotFound";
    case ErrorKind::too_long:
      return "FieldValueTooLong";
    case ErrorKind::too_many:
      return "FieldValueTooMany";
    case ErrorKind::type_invalid:
      return "FieldValueTypeInvalid";
    default:
      return "none";
  }
}

using Causes = std::multiset<std::string>;

std::string lines(const Causes& causes) {
  std::string out;
  for (const std::string& cause : causes) out += "\n    " + cause;
  return out.empty() ? "accept" : out;
}

// We do not print whole objects into a message.
std::string without_object(std::string text) {
  const std::size_t open = text.find(": {");
  const std::size_t close = text.rfind("}: ");
  return open == std::string::npos || close == std::string::npos
             ? text
             : text.erase(open, close + 1 - open);
}

Causes causes_of_server(const Node& answer, bool with_message) {
  Causes out;
  if (const Node* const causes = answer.find("causes"))
    for (const Node& cause : causes->items)
      out.insert(
          cause.find("field")->text + " " + cause.find("type")->text +
          (with_message ? " " + without_object(cause.find("message")->text) : std::string{}));
  return out;
}

std::string without_path(Diagnostic finding) {
  finding.path.clear();
  return message(finding);
}

Causes our_causes(const Diagnostics& findings, bool with_message) {
  Causes out;
  for (const Diagnostic& finding : findings)
    out.insert(api_server_path(finding.path) + " " + std::string(api_type(finding.kind)) +
               (with_message ? " " + without_path(finding) : std::string{}));
  return out;
}

template <typename Check>
void for_each_case(Check check) {
  std::istringstream file(
      test::read_text(PAUSA_SOURCE_DIR "/tests/data/kubernetes/validation.jsonl"));
  std::string line;
  while (std::getline(file, line)) check(test::read_json(line));
}

}  // namespace

TEST_SUITE("pod/unit") {
  TEST_CASE("our verdict on each of the 350 pods is the API server's, or a stated difference") {
    std::set<std::string, std::less<>> excepted;
    for (const Difference& difference : differences())
      for (const std::string_view id : difference.cases) excepted.emplace(id);
    int seen = 0;
    for_each_case([&](const Node& answer) {
      ++seen;
      const std::string& id = answer.find("id")->text;
      const Diagnostics findings = kubernetes_validation(*answer.find("pod"));
      const Causes ours = our_causes(findings, false);
      const Causes theirs = causes_of_server(answer, false);
      // Admission (403) and internal errors (500) reject without naming a field.
      const bool nameless = !answer.find("accept")->boolean && theirs.empty();
      const bool equal =
          findings.empty() == answer.find("accept")->boolean && (nameless || ours == theirs);
      if (excepted.erase(id) > 0) {
        CHECK_MESSAGE(!equal, id, " is listed as a difference, but there is none");
        return;
      }
      CHECK_MESSAGE(equal, id, "\n  ours: ", lines(our_causes(findings, true)),
                    "\n  API server: ", lines(causes_of_server(answer, true)));
    });
    CHECK(seen == 350);
    CHECK_MESSAGE(excepted.empty(), "differences name a case that is not there");
  }

  TEST_CASE("our messages are the API server's, word for word, for the same causes") {
    for_each_case([&](const Node& answer) {
      const Diagnostics findings = kubernetes_validation(*answer.find("pod"));
      if (our_causes(findings, false) != causes_of_server(answer, false)) return;
      CHECK_MESSAGE(our_causes(findings, true) == causes_of_server(answer, true),
                    answer.find("id")->text, "\n  ours: ", lines(our_causes(findings, true)),
                    "\n  API server: ", lines(causes_of_server(answer, true)));
    });
  }
}
