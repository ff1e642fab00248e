#include "manifest/variables.hpp"

#include "manifest/reader.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace pausa;
using manifest::Variables;

namespace {

Variables example() {
  Variables variables;
  variables.set("TAG", "1.36");
  variables.set("PORT", "8080");
  variables.set("EMPTY", "");
  variables.set("NASTY", "a: b # no\n- c");
  return variables;
}

std::string put_in(std::string_view text) {
  std::vector<manifest::SubstituteFault> faults;
  std::string out = manifest::substitute(text, example(), faults);
  for (const auto& fault : faults)
    out += "\n" + std::to_string(fault.reference) + ": " + fault.text + "; " + fault.hint;
  return out;
}

manifest::ReadResult read(const std::string& text) {
  static const Variables variables = example();
  return manifest::read({{"a.yaml", text, "/"}}, &variables);
}

}  // namespace

TEST_SUITE("manifest/variables") {
  TEST_CASE("values, defaults and what is no reference") {
    CHECK(put_in("busybox:${TAG}") == "busybox:1.36");
    CHECK(put_in("${TAG}-${PORT}") == "1.36-8080");
    CHECK(put_in("${NONE:-x}") == "x");
    CHECK(put_in("${NONE:-}") == "");
    CHECK(put_in("${EMPTY:-x}") == "x");
    CHECK(put_in("${EMPTY}") == "");
    CHECK(put_in("${TAG:-x}") == "1.36");
    CHECK(put_in("${NONE:-${PORT}${NONE:-1}}") == "80801");
    CHECK(put_in("${TAG:?no}") == "1.36");
    CHECK(put_in("$TAG $(TAG) $ {TAG} $") == "$TAG $(TAG) $ {TAG} $");
    CHECK(put_in("$${TAG} $$${TAG}") == "${TAG} $${TAG}");
  }

  TEST_CASE("faults name the reference and the way out") {
    CHECK(put_in("${TAG} ${TGA}") ==
          "1.36 ${TGA}\n1: the variable TGA is not set; did you mean \"TAG\"?");
    CHECK(put_in("${FAR_OFF}").find("--set FAR_OFF=VALUE") != std::string::npos);
    CHECK(put_in("${FAR_OFF:?ask the operator}").find("0: FAR_OFF: ask the operator") !=
          std::string::npos);
    CHECK(put_in("$${A} ${TAG").find("1: \"${\" is never closed") != std::string::npos);
    CHECK(put_in("${1x}").find("\"${1x}\" is none of") != std::string::npos);
    CHECK(put_in("${TAG-x}").find("is none of") != std::string::npos);
    CHECK(put_in("${}").find("is none of") != std::string::npos);
    std::string deep;
    for (int i = 0; i < 40; ++i) deep += "${NONE:-";
    CHECK(put_in(deep + std::string(40, '}')).find("never closed") != std::string::npos);
  }

  TEST_CASE("in a manifest: the type follows the value, the structure does not") {
    const auto result = read(
        "port: ${PORT}\nquoted: \"${PORT}\"\ntext: ${NASTY}\nblock: |\n  echo ${TAG}\n"
        "list: [\"${NASTY}\"]\nnone: ${EMPTY}\n${TAG}: key\n");
    REQUIRE(result.diagnostics.empty());
    REQUIRE(result.documents.size() == 1);
    const auto& root = result.documents.front().root;
    CHECK(root.find("port")->integer == 8080);
    CHECK(root.find("quoted")->is_string());
    CHECK(root.find("text")->text == "a: b # no\n- c");
    CHECK(root.find("block")->text == "echo 1.36\n");
    REQUIRE(root.find("list")->items.size() == 1);
    CHECK(root.find("none")->is_null());
    CHECK(root.find("${TAG}") != nullptr);
  }

  TEST_CASE("in a manifest: faults stand where the reference does") {
    const auto result = read("a: \"${TAG} $${x} ${TGA}\"\nb:\n  - x${NOTHING_LIKE_IT}\n");
    REQUIRE(result.diagnostics.size() == 2);
    CHECK(result.diagnostics[0].mark.line == 1);
    CHECK(result.diagnostics[0].mark.column == 18);
    CHECK(result.diagnostics[1].mark.line == 3);
    CHECK(result.diagnostics[1].mark.column == 6);
  }

  TEST_CASE("without variables nothing is put in") {
    const auto result = manifest::read({{"a.yaml", "a: ${TAG}\n", "/"}});
    REQUIRE(result.documents.size() == 1);
    CHECK(result.documents.front().root.find("a")->text == "${TAG}");
  }

  TEST_CASE("values cannot smuggle in what no manifest may hold, nor without bound") {
    Variables variables;
    variables.set("BELL", "a\x07");
    CHECK(manifest::read({{"a.yaml", "a: ${BELL}\n", "/"}}, &variables).diagnostics.size() == 1);
    variables.set("LONG", std::string(1U << 20U, 'x'));
    std::string text;
    for (int i = 0; i < 20; ++i) text += "- ${LONG}\n";
    const auto result = manifest::read({{"a.yaml", text, "/"}}, &variables);
    REQUIRE(result.diagnostics.size() == 1);
    CHECK(result.diagnostics[0].text.find("8 MiB") != std::string::npos);
  }

  TEST_CASE("what a text refers to is known, whether its value is needed or not") {
    Variables variables;
    variables.set("A", "1");
    const auto names = [&variables](const std::string& text) {
      std::string all;
      for (const auto& name : manifest::read({{"a.yaml", text, "/"}}, &variables).variables)
        all += name + " ";
      return all;
    };
    CHECK(names("a: ${A:-${B:-${C}}}\n${K}: [\"${D:?no}\", $${E}, $$${F}, $G, '${A}']\n") ==
          "A B C D ");
    CHECK(names("a: 1\n") == "");
    CHECK(manifest::read({{"a.yaml", "a: ${A}\n", "/"}}).variables.empty());
  }

  TEST_CASE("env files") {
    Variables variables;
    CHECK_FALSE(
        manifest::read_env_file("# comment\n\nA=1\nexport B = two words # said\r\n"
                                "C='$x \\n'\nD=\"a\\tb\\\"\" # d\nE=\nF=a#b\nA=3",
                                variables));
    CHECK(*variables.find("A") == "3");
    CHECK(*variables.find("B") == "two words");
    CHECK(*variables.find("C") == "$x \\n");
    CHECK(*variables.find("D") == "a\tb\"");
    CHECK(variables.find("E")->empty());
    CHECK(*variables.find("F") == "a#b");
    const auto fault = [](std::string_view text) {
      Variables none;
      const auto found = manifest::read_env_file(text, none);
      return found ? std::to_string(found->line) + ": " + found->text : "";
    };
    CHECK(fault("A=1\nB") == "2: no \"=\" in this line");
    CHECK(fault("1A=1") == "1: \"1A\" is no name of a variable");
    CHECK(fault("A='x") == "1: the quoted value does not end in this line");
    CHECK(fault("A='x' y") == "1: text right after a closing quote");
  }
}
