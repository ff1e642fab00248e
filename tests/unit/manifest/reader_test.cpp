#include "manifest/reader.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using namespace std::string_literals;
using namespace pausa;
using manifest::read;
using manifest::ReadResult;

namespace {

ReadResult read_text(std::string text) {
  return read({{"x.yaml", std::move(text), "/"}});
}

// Every document as JSON on one line each; the first error instead, when there is one.
std::string values(std::string text) {
  const ReadResult result = read_text(std::move(text));
  std::string out;
  for (const pod::Diagnostic& d : result.diagnostics) {
    if (d.severity == pod::Severity::error) {
      return std::to_string(d.mark.line) + ":" + std::to_string(d.mark.column) + " " + message(d);
    }
  }
  for (const manifest::Document& document : result.documents) {
    out += to_json(document.root) + "\n";
  }
  if (!out.empty()) out.pop_back();
  return out;
}

std::string join(const std::string& part, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += part;
  return out;
}

}  // namespace

TEST_SUITE("manifest/unit") {
  TEST_CASE("block style reads as its value") {
    CHECK(values("a: b\nc:\n- d\n- e: f\n  g:\n    - h\n") ==
          R"({"a":"b","c":["d",{"e":"f","g":["h"]}]})");
    CHECK(values("a: |\n  x\n   y\n\n  z\n\nb: >-\n  p\n  q\n\n  r\nc: 'it''s'\nd: \"t\\tu\"\n") ==
          R"({"a":"x\n y\n\nz\n","b":"p q\nr","c":"it's","d":"t\tu"})");
    CHECK(values("a: one\n  two # comment\n  \nb: 'x\n\n  y'") == R"({"a":"one two","b":"x\ny"})");
    CHECK(values("a:\nb: ~\n") == R"({"a":null,"b":null})");
  }

  TEST_CASE("blank lines that a folded scalar keeps are all kept") {
    CHECK(values("a: >+\n  x\n\n\nb: c\n") == R"({"a":"x\n\n\n","b":"c"})");
    CHECK(values("a: >+\n  x\n\n\n") == R"({"a":"x\n\n\n"})");
    CHECK(values("a: >+\n  x\n   y\n\n\nb: c\n") == R"({"a":"x\n y\n\n\n","b":"c"})");
    CHECK(values("a: |+\n  x\n\nb: c\n") == R"({"a":"x\n\n","b":"c"})");
  }

  TEST_CASE("every escape of a double-quoted scalar is UTF-8") {
    const auto text = [](std::string document) {
      const ReadResult result = read_text(std::move(document));
      return result.documents.size() == 1 ? result.documents[0].root.text : std::string();
    };
    CHECK(text(R"("a\N\_\x85\L\P\u00e9b")") ==
          "a\xC2\x85\xC2\xA0\xC2\x85\xE2\x80\xA8\xE2\x80\xA9\xC3\xA9"
          "b");
    CHECK(text("\"\xC3\xA9\\N\xE4\xBD\xA0\"") == "\xC3\xA9\xC2\x85\xE4\xBD\xA0");
  }

  TEST_CASE("KYAML and JSON read as their values") {
    CHECK(values(
              "---\n{\n  a: \"b\", # why\n  c: [{\n    d: 1,\n  }, {\n    e: true,\n  },],\n}\n") ==
          R"({"a":"b","c":[{"d":1},{"e":true}]})");
    CHECK(values("{a: \"\\\n       one\\n\\\n      \\  two\\n\\\n      \"}") ==
          R"({"a":"one\n  two\n"})");
    CHECK(values("{\t\"a\":\"b\\/c\",\n\t\"d\":[1,-2.5,null,false],\"e\":{}}") ==
          R"({"a":"b/c","d":[1,-2.5,null,false],"e":{}})");
    CHECK(values("{a: \"it\\'s\", b: c}") == R"({"a":"it's","b":"c"})");
    CHECK(values("{\"a\":\"\\ud83d\\ude00\\u00e9\"}") == "{\"a\":\"\U0001F600\u00e9\"}");
  }

  TEST_CASE("marks stay right behind text that had to be rewritten") {
    const ReadResult result = read_text("{a: \"\\'\\ud83d\\ude00\\'\", b: c}\n");
    REQUIRE(result.documents.size() == 1);
    const pod::Entry* const entry = result.documents[0].root.find_entry("b");
    REQUIRE(entry != nullptr);
    CHECK(entry->key_mark.column == 25);
    CHECK(entry->value.mark.column == 28);
    const ReadResult folded = read_text("a: >+\n  x\n\n\nb: c\n");
    CHECK(folded.documents.at(0).root.find("b")->mark.line == 5);
  }

  TEST_CASE("columns count characters, and values without text are marked by their key") {
    const ReadResult result = read_text("caf\u00e9: {a: b}\nc:\nd:\n- \n- e\n");
    REQUIRE(result.documents.size() == 1);
    const pod::Node& root = result.documents[0].root;
    CHECK(root.find("caf\u00e9")->mark.column == 7);
    CHECK(root.find("c")->mark.line == 2);
    CHECK(root.find("d")->items.at(0).mark.line == 4);
  }

  TEST_CASE("columns of a long line of wide characters are exact") {
    for (const int count : {83, 84, 85, 86, 127, 128, 255, 256, 300}) {
      CAPTURE(count);
      const ReadResult result = read_text("# \u20ac\n{\"" + join("\u20ac", count) + "\": b, c: d}");
      const auto column = result.documents.at(0).root.find_entry("c")->key_mark.column;
      CHECK(column == static_cast<std::uint32_t>(count) + 9);
    }
  }

  TEST_CASE("a stream holds several documents; empty ones do not count") {
    CHECK(values("a: 1\n---\nb: 2\n...\n# nothing\n---\n---\nnull\n--- {c: 3}\n") ==
          "{\"a\":1}\n{\"b\":2}\n{\"c\":3}");
    CHECK(values("%YAML 1.1\n---\na: 1\n") == R"({"a":1})");
    CHECK(values("a: |\n  ---\n  ...\nb: 1\n") == R"({"a":"---\n...\n","b":1})");
    CHECK(values("") == "");
    CHECK(values("# only a comment\n") == "");
  }

  TEST_CASE("byte order mark and CRLF change nothing") {
    CHECK(values("\xEF\xBB\xBF"
                 "a: b\r\nc: |\r\n  d\r\n  e\r\n") == R"({"a":"b","c":"d\ne\n"})");
    CHECK(read_text("\xEF\xBB\xBF"
                    "a: b")
              .documents.at(0)
              .root.entries.at(0)
              .key_mark.column == 1);
    CHECK(values("a: b\r\nc: \"d\r\n\r\n") == "2:4 unterminated quoted scalar opened at 2:4");
  }

  TEST_CASE("anchors and aliases expand to copies") {
    CHECK(values("a: &x {b: [1]}\nc: *x\nd: [*x, &y e, *y]\n") ==
          R"({"a":{"b":[1]},"c":{"b":[1]},"d":[{"b":[1]},"e","e"]})");
    CHECK(values("a: &x 1\nb: &x 2\nc: *x\n") == R"({"a":1,"b":2,"c":2})");
    CHECK(read_text("a: &x b\nc: *x\n").documents.at(0).root.find("c")->mark.line == 2);
    CHECK(values("a: 1\na: &x [2]\nb: *x\n") ==
          "2:1 a: Duplicate value: \"a\": the key is already set at line 1");
  }

  TEST_CASE("the tags of JSON's types are honoured") {
    CHECK(values("a: !!str 12\nb: !!int \"12\"\nc: !!float 1.5\nd: !!bool \"yes\"\ne: !!null ''\n"
                 "f: !!map {}\ng: !!seq []\nh: !!str\ni: ! 12\n") ==
          R"({"a":"12","b":12,"c":1.5,"d":true,"e":null,"f":{},"g":[],"h":"","i":"12"})");
    CHECK(values("a: !!int x") == "1:4 the tag !!int does not fit \"x\"");
    CHECK(values("a: !!set {b}") == "1:4 unsupported tag !!set");
    CHECK(values("%TAG ! tag:x,2000:\n---\na: !b c") == "1:1 no directive but %YAML is supported");
  }

  TEST_CASE("what YAML readers pass over is an error at its place") {
    CHECK(values("a: \"b\nc: d\n") == "1:4 unterminated quoted scalar opened at 1:4");
    CHECK(values("a: 'b\n---\nc: d\n") == "1:4 unterminated quoted scalar opened at 1:4");
    CHECK(values("a: \"b\nc: \"d\"\n") == "1:4 unterminated quoted scalar opened at 1:4");
    CHECK(values("a: \"b\"c\n") == "1:7 text right after a closing quote");
    CHECK(values("a: b\nc\n") == "2:1 a \": \" is missing in this line");
    CHECK(values("a:\n  b: c\n  d\n") == "3:3 a \": \" is missing in this line");
    CHECK(values("a: [b,,c]\n") == "1:7 nothing stands before this \",\"");
    CHECK(values(",") == "1:1 text after the end of the document");
    CHECK(values("{\"a\":1}\n{\"b\":2}\n") == "2:1 text after the end of the document");
    CHECK(values("a: @b") == "1:4 a plain scalar cannot start with \"@\"");
    CHECK(values("a:\n \tb: c") == "2:2 a tab in the indentation");
    CHECK(values("a: |\n\tb\n") == "2:1 a tab in the indentation of a block scalar");
    CHECK(values("a: {b: [c}\n") == "1:10 \"}\" cannot close \"[\" opened at 1:8");
    CHECK(values("a: *b\n") == "1:4 the alias names an anchor that is not defined above it");
  }

  TEST_CASE("bytes that are no text are an error at their place") {
    CHECK(values("a: b\nc: \xE9z\n") == "2:4 the byte 0xe9 is not valid UTF-8 here");
    CHECK(values("a: b\0c"s) == "1:5 a control character (0x00) is not allowed here");
    CHECK(values("a: \x1b[0m") == "1:4 a control character (0x1b) is not allowed here");
    CHECK(values("a: \xC2\x85"
                 "b\x7f") == "1:6 a control character (0x7f) is not allowed here");
    CHECK(values("\xFF\xFE"
                 "a\0:\0"s) ==
          "1:1 the text is UTF-16 or UTF-32 (it starts with a byte order mark)");
  }

  TEST_CASE("keys are strings, each once") {
    CHECK(values("1: a") == "1:1 a key must be a string, not an integer (1)");
    CHECK(values("{no: a}") == "1:2 a key must be a string, not a boolean (no)");
    CHECK(values("? [a]\n: b") == "1:3 a key must be a string, not a list");
    CHECK(values("\"1\": a\n'no': b") == R"({"1":"a","no":"b"})");
    CHECK(values("a: {b: [{c: 1, c: 2}]}") ==
          "1:16 a.b[0].c: Duplicate value: \"c\": the key is already set at line 1");
    CHECK(values("<<: {a: b}") == "1:1 merge keys (<<) are not supported");
    CHECK(values("\"<<\": a") == R"({"<<":"a"})");
  }

  TEST_CASE("all faults of a document are told, and its first values kept") {
    const ReadResult result = read_text("a: 1\na: 2\nb: !x y\nc: 1\nc: 2\n");
    CHECK(result.diagnostics.size() == 3);
    REQUIRE(result.documents.size() == 1);
    CHECK(to_json(result.documents[0].root) == R"({"a":1,"b":"y","c":1})");
    for (const pod::Diagnostic& d : result.diagnostics) CHECK(d.file == "x.yaml");
  }

  TEST_CASE("a fault in one document leaves the others readable") {
    const ReadResult result = read_text("a: [\n---\nb: 1\n---\nc: 'x\n...\nd: 2\n");
    CHECK(result.diagnostics.size() == 2);
    REQUIRE(result.documents.size() == 2);
    CHECK(to_json(result.documents[1].root) == R"({"d":2})");
  }

  TEST_CASE("the budgets hold exactly") {
    CHECK(values(join("[", 64) + join("]", 64)).starts_with("[[["));
    CHECK(values(join("[", 65) + join("]", 65)) == "1:65 nesting deeper than 64");
    CHECK(values(join("- ", 65) + "a") == "1:129 nesting deeper than 64");
    CHECK(values(join("? ", 65) + "a").find("a key must be a string") != std::string::npos);
    CHECK(values("a: &x " + join("[", 40) + join("]", 40) + "\nb: " + join("[", 30) + "*x" +
                 join("]", 30))
              .find("nesting deeper than 64") != std::string::npos);
    CHECK(values("a: &x [" + join("1,", 99) + "]\nb: [" + join("*x,", 100) + "]")
              .starts_with("{\"a\""));
    CHECK(values("a: &x [" + join("1,", 99) + "]\nb: [" + join("*x,", 101) + "]")
              .ends_with("alias expansion exceeds 10000 nodes"));
    CHECK(values("[" + join("1,", 99'998) + "]").starts_with("[1,1"));
    CHECK(values("[" + join("1,", 100'001) + "]").ends_with("more than 100000 nodes"));
    CHECK(read_text(join("--- {}\n", 100)).documents.size() == 100);
    CHECK(values(join("--- {}\n", 101)) == "101:1 more than 100 documents");
    CHECK(values("a: " + std::string((1 << 20) - 3, 'x')).starts_with("{\"a\""));
    CHECK(values("a: " + std::string((1 << 20) - 2, 'x')) == "0:0 the text is larger than 1 MiB");
  }

  TEST_CASE("an alias inside its own node is a cycle") {
    CHECK(values("a: &x [*x]") ==
          "1:8 alias cycle: the alias stands inside the node that it names");
    CHECK(values("&x {a: {b: *x}}").find("alias cycle") != std::string::npos);
  }

  TEST_CASE("findings without end are cut off with a word") {
    std::string text;
    for (int i = 0; i < 5000; ++i) text += "a: 1\n";
    const ReadResult result = read_text(text);
    CHECK(result.diagnostics.size() == 101);
    CHECK(result.diagnostics.back().text.starts_with("too many findings"));
    CHECK(result.documents.empty());
  }

  TEST_CASE("what the printers write reads back as the same tree") {
    for (const std::string_view text :
         {"a: b",
          "[1, 2.5, -3, 1e300, true, null, '', 'null', '1', 'yes', '0o7', '1_0', '.5', '~', '<<']",
          "{'': 1, ' a ': 2, 'a: b': 3, '- c': 4, '#': 5, '0x1': 6, 'n': 7, 'a:': 8, ':a': 9}",
          "[[[1], []], {}, [{a: {b: [c]}}], [[], [d]]]",
          "[\"a\\nb\", \"a\\nb\\n\", \"a\\n\\n\", \"\\na\", \" a\\nb\", \"a\\n b\\n\\n c \\n\", "
          "\"\\ta\\n\", \"a\\r\\nb\", \"\\n\"]",
          "[\"\\u0000\\u007f\\u0085\\u2028\\ufeff\\U0001F600\", \"\\\"\\\\\", 'it''s', \"a #b\", "
          "\"a\\n#b\\n---\\n...\\n\"]",
          "k: {script: \"#!/bin/sh\\nset -e\\n\\techo hi\\n\", time: '12:30', date: 2001-01-01, "
          "size: 10Mi, v: 1.2.3}",
          "9223372036854775808", "-9223372036854775808", "\"top\\nlevel\\n\"",
          "[0.1, 1.0e21, 4.0, 5e-324]"}) {
      CAPTURE(text);
      const ReadResult first = read_text(std::string(text));
      REQUIRE(first.documents.size() == 1);
      const pod::Node& root = first.documents[0].root;
      for (const std::string& printed : {to_json(root), to_json(root, 2), to_yaml(root)}) {
        CAPTURE(printed);
        const ReadResult again = read_text(printed);
        REQUIRE(again.documents.size() == 1);
        CHECK(again.diagnostics.empty());
        CHECK(again.documents[0].root == root);
      }
    }
  }
}
