#include "manifest/render.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace pausa;
using manifest::render;
using manifest::Source;

namespace {

pod::Diagnostic finding(std::uint32_t line, std::uint32_t column, std::string text) {
  pod::Diagnostic diagnostic;
  diagnostic.kind = pod::ErrorKind::syntax;
  diagnostic.file = "shop.yaml";
  diagnostic.mark = {line, column};
  diagnostic.text = std::move(text);
  return diagnostic;
}

std::string rendered(const pod::Diagnostic& diagnostic, const std::string& text) {
  const Source source{"shop.yaml", text, "/"};
  return render(diagnostic, &source, false);
}

}  // namespace

TEST_SUITE("manifest/unit") {
  TEST_CASE("a finding shows its line, its token and its hint") {
    pod::Diagnostic diagnostic = finding(2, 3, {});
    diagnostic.kind = pod::ErrorKind::unknown_field;
    diagnostic.path = "spec.comand";
    diagnostic.hint = "did you mean \"command\"?";
    CHECK(rendered(diagnostic, "spec:\r\n  comand: [sh]\r\n") ==
          "shop.yaml:2:3: error: unknown field \"spec.comand\"\n"
          "    2 |   comand: [sh]\n"
          "      |   ^~~~~~\n"
          "      = did you mean \"command\"?\n");
  }

  TEST_CASE("the mark covers a quoted scalar, a word, or one character") {
    CHECK(rendered(finding(1, 4, "x"), "a: \"b c\\\"d\" # e").find("|    ^~~~~~~~\n") !=
          std::string::npos);
    CHECK(rendered(finding(1, 5, "x"), "a: [bcd, e]").find("|     ^~~\n") != std::string::npos);
    CHECK(rendered(finding(1, 4, "x"), "a: [bcd, e]").find("|    ^\n") != std::string::npos);
    CHECK(rendered(finding(1, 4, "x"), "a: ").find("|    ^\n") != std::string::npos);
    CHECK(rendered(finding(9, 9, "x"), "a: b").find("9 | \n      | ^\n") != std::string::npos);
  }

  TEST_CASE("the mark stands under its character in wide and in long lines") {
    CHECK(rendered(finding(1, 7, "x"), "caf\u00e9: b").find("|       ^\n") != std::string::npos);
    const std::string text = "a: " + std::string(500, 'x') + " !bad " + std::string(500, 'y');
    const std::string out = rendered(finding(1, 505, "x"), text);
    const std::size_t line = out.find(" | ") + 3;
    const std::size_t end = out.find('\n', line);
    const std::size_t mark = out.find('^') - (out.find(" | ", end) + 3);
    CHECK(end - line < 200);
    CHECK(out.substr(line).starts_with("\u2026"));
    // The ellipsis has three bytes and one column.
    CHECK(out.substr(line + mark + 2, 4) == "!bad");
  }

  TEST_CASE("nothing of a manifest reaches the terminal raw") {
    pod::Diagnostic diagnostic = finding(1, 5, "bad \x1b[31m text\nand \x7f");
    diagnostic.hint = "\x07";
    diagnostic.file = "a\x1b.yaml";
    const std::string out = rendered(diagnostic,
                                     "a: \x1b\x07"
                                     "b\t\xff \u202e end\n");
    for (const char c : out) CHECK((static_cast<unsigned char>(c) >= 0x20 || c == '\n'));
    CHECK(out.find("a\\x1b.yaml:1:5: error: bad \\x1b[31m text\\nand \\x7f\n") == 0);
    CHECK(out.find("| a: \\x1b\\x07b \\xff \\u202e end\n") != std::string::npos);
    CHECK(out.find("|        ^") != std::string::npos);  // behind the escape's four characters
  }

  TEST_CASE("without a source or a place there is the sentence alone") {
    CHECK(render(finding(0, 0, "cannot be opened"), nullptr, false) ==
          "shop.yaml: error: cannot be opened\n");
    CHECK(render(finding(3, 4, "bad"), nullptr, false) == "shop.yaml:3:4: error: bad\n");
    pod::Diagnostic note;
    note.severity = pod::Severity::note;
    note.text = "by the way";
    CHECK(render(note, nullptr, false) == "note: by the way\n");
  }

  TEST_CASE("colour adds escapes and changes no text") {
    const Source source{"shop.yaml", "a: b\n", "/"};
    std::string out = render(finding(1, 4, "bad"), &source, true);
    CHECK(out.find("\033[1;31merror:") != std::string::npos);
    for (std::size_t at = 0; (at = out.find('\033')) != std::string::npos;) {
      out.erase(at, out.find('m', at) + 1 - at);
    }
    CHECK(out == render(finding(1, 4, "bad"), &source, false));
  }

  TEST_CASE("the summary counts by severity") {
    pod::Diagnostics all = {finding(1, 1, "a"), finding(2, 1, "b"), finding(3, 1, "c")};
    CHECK(manifest::summary(all, "nothing was started") == "3 errors; nothing was started");
    all[2].severity = pod::Severity::note;
    all[1].severity = pod::Severity::warning;
    CHECK(manifest::summary(all, "") == "1 error, 1 warning, 1 note");
    CHECK(manifest::summary({}, "nothing was started").empty());
  }

  TEST_CASE("findings are sorted by source and place, and told once") {
    const std::vector<Source> sources = {{"b.yaml", "", "/"}, {"shop.yaml", "", "/"}};
    pod::Diagnostics all = {finding(2, 5, "x"), finding(2, 1, "y"), finding(2, 5, "x"),
                            finding(9, 1, "z"), finding(0, 0, "gone")};
    all[3].file = "b.yaml";
    all[4].file = "c.yaml";
    sort_and_dedupe(all, sources);
    REQUIRE(all.size() == 4);
    CHECK(all[0].text == "gone");
    CHECK(all[1].text == "z");
    CHECK(all[2].text == "y");
    CHECK(all[3].text == "x");
  }

  TEST_CASE("several reasons against one value are one finding") {
    const std::vector<Source> sources = {{"shop.yaml", "", "/"}};
    pod::Diagnostics all = {finding(2, 5, "is too long"), finding(2, 5, "is no name"),
                            finding(3, 5, "is too long")};
    for (auto& one : all) one.kind = pod::ErrorKind::invalid;
    sort_and_dedupe(all, sources);
    REQUIRE(all.size() == 2);
    CHECK(all[0].text == "is too long; is no name");
    CHECK(all[1].mark.line == 3);
  }

  TEST_CASE("of thousands of findings the first are shown, and all are counted") {
    std::string text;
    pod::Diagnostics all;
    for (std::uint32_t line = 1; line <= 50'000; ++line) {
      text += "a: b\n";
      all.push_back(finding(line, 4, "bad"));
    }
    const std::vector<Source> sources = {{"shop.yaml", text, "/"}};
    const std::string out = manifest::render_all(all, sources, false, "");
    CHECK(out.size() < 20'000);
    CHECK(out.ends_with("… and 49800 more\n50000 errors\n"));
  }
}
