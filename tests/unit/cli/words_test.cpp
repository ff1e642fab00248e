#include "cli/aliases.hpp"
#include "cli/help.hpp"
#include "cli/options.hpp"
#include "cli/table.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace pausa::cli;

namespace {

const std::vector<Option> options{{"output,o", "FORMAT", "how to print it"},
                                  {"all", nullptr,
                                   "a help text that is so long that it must be "
                                   "broken into two lines by the table of options"},
                                  {"quiet,q", nullptr, "print less"}};

const std::vector<Command> verbs{
    {"inspect", "print .pods as JSON", "[OPTION…] POD…", "pausa inspect -f '{{.a}}' web", nullptr,
     [] { return options_help(options); }},
    {"ps", "list pods", "", "", nullptr, nullptr},
    {"secret", "", "", "", nullptr, nullptr, true}};

bool has(const std::vector<std::string>& list, const char* word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace

TEST_SUITE("cli/unit") {
  TEST_CASE("the words of kubectl and podman become ours") {
    CHECK(without_aliases({"kube", "play", "a.yaml"}) == Arguments{"up", "-d", "a.yaml"});
    CHECK(without_aliases({"kube", "down", "a.yaml"}) == Arguments{"down", "a.yaml"});
    CHECK(without_aliases({"apply", "-f", "a.yaml"}) == Arguments{"up", "-d", "-f", "a.yaml"});
    CHECK(without_aliases({"get", "pods", "-o", "wide"}) == Arguments{"ps", "-o", "wide"});
    CHECK(without_aliases({"get", "pod/web"}) == Arguments{"ps", "pod/web"});
    CHECK(without_aliases({"delete", "pod", "web"}) == Arguments{"down", "web"});
    CHECK(without_aliases({"pod", "logs", "web"}) == Arguments{"logs", "web"});
    CHECK(without_aliases({"describe", "pod", "web"}) == Arguments{"describe", "web"});
  }

  TEST_CASE("our own words stay as they are") {
    for (const auto& words : {Arguments{}, Arguments{"ps"}, Arguments{"pod"},
                              Arguments{"pod", "nonsense"}, Arguments{"exec", "kube", "play"}})
      CHECK(without_aliases(words) == words);
  }

  TEST_CASE("an unknown verb gets a suggestion, a hidden one never is one") {
    CHECK(unknown_command("inpsect", verbs) ==
          "unknown command \"inpsect\"; did you mean \"inspect\"?");
    CHECK(unknown_command("secre", verbs) == "unknown command \"secre\"");
  }

  TEST_CASE("help lists the verbs that are not hidden") {
    const auto text = help_text(verbs);
    CHECK(text.find("  inspect     print .pods as JSON\n") != std::string::npos);
    CHECK(text.find("secret") == std::string::npos);
    CHECK(help_text(verbs[0]).find("-o, --output FORMAT") != std::string::npos);
  }

  TEST_CASE("the options of a verb are known for completion") {
    CHECK(has(option_names(verbs[0], false), "--output"));
    CHECK(has(option_names(verbs[0], false), "--all"));
    CHECK_FALSE(has(option_names(verbs[0], false), "-o"));
    CHECK(has(option_names(verbs[0], true), "-q"));
    CHECK(wants_value(verbs[0], "-o"));
    CHECK(wants_value(verbs[0], "--output"));
    CHECK_FALSE(wants_value(verbs[0], "--all"));
    CHECK_FALSE(wants_value(verbs[0], "-q"));
    CHECK_FALSE(wants_value(verbs[1], "--all"));
  }

  TEST_CASE("a manual page has its options in full and no stray request") {
    const auto page = manual_page(verbs[0]);
    CHECK(page.find("pausa\\-inspect") == std::string::npos);  // the name is not escaped in NAME
    CHECK(page.find(".SH NAME\npausa-inspect \\- print .pods as JSON\n") != std::string::npos);
    CHECK(page.find("so long that it must be broken into two lines by the table of options") !=
          std::string::npos);
    CHECK(page.find("\n.pods") == std::string::npos);
    CHECK(manual_page(verbs).find("pausa\\-inspect(1)") != std::string::npos);
    CHECK(manual_page(verbs).find("secret") == std::string::npos);
  }

  TEST_CASE("a table aligns by characters and lets no control character through") {
    Table table({"NAME", "STATUS"});
    table.add({"añil", "Running"});
    table.add({"a\x1b[31m", "x\ny"});
    CHECK(table.text() ==
          "NAME     STATUS\n"
          "añil     Running\n"
          "a?[31m   x?y\n");
    CHECK(table.text(false).starts_with("añil"));
  }
}
