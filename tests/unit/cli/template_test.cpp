#include "cli/template.hpp"

#include "cli/command.hpp"

#include <doctest/doctest.h>

using namespace pausa;
using cli::render_template;
using pod::Node;

namespace {

Node sample() {
  Node node = Node::make_map();
  node.set("name", Node::make_string("shop"));
  node.set("count", Node::make_integer(3));
  node.set("empty", Node::make_string(""));
  Node list = Node::make_list();
  for (const char* name : {"web", "db"}) {
    Node item = Node::make_map();
    item.set("name", Node::make_string(name));
    list.push(std::move(item));
  }
  node.set("items", std::move(list));
  node.set("words", Node::make_list()).push(Node::make_string("a"));
  node.set("words").push(Node::make_string("b"));
  node.set("labels").set("app.io/tier", Node::make_string("front"));
  return node;
}

std::string fault(const char* text) {
  try {
    (void)render_template(text, sample());
  } catch (const cli::UsageError& wrong) {
    return wrong.what();
  }
  return {};
}

}  // namespace

TEST_SUITE("cli/unit") {
  TEST_CASE("a template prints fields and keeps the text around them") {
    CHECK(render_template("{{.name}}", sample()) == "shop");
    CHECK(render_template("<{{ .name }}|{{.count}}>", sample()) == "<shop|3>");
    CHECK(render_template("no action", sample()) == "no action");
    CHECK(render_template("", sample()).empty());
  }

  TEST_CASE("json prints a value as JSON, alone, before it and behind a pipe") {
    CHECK(render_template("{{json .words}}", sample()) == R"(["a","b"])");
    CHECK(render_template("{{.words | json}}", sample()) == R"(["a","b"])");
    CHECK(render_template("{{.labels}}", sample()) == R"({"app.io/tier":"front"})");
    CHECK(render_template("json", sample()).starts_with(R"({"name":"shop")"));
    CHECK(render_template("{{.}}", sample()) == render_template("json", sample()));
  }

  TEST_CASE("index reaches list items and keys that are no names") {
    CHECK(render_template("{{index .words 1}}", sample()) == "b");
    CHECK(render_template("{{index .labels \"app.io/tier\"}}", sample()) == "front");
    CHECK(fault("{{index .words 2}}").find("out of range") != std::string::npos);
  }

  TEST_CASE("range goes over lists, with its own dot and the root in $") {
    CHECK(render_template("{{range .items}}{{.name}}@{{$.name}} {{end}}", sample()) ==
          "web@shop db@shop ");
    CHECK(render_template("{{range .empty}}x{{else}}none{{end}}", sample()) == "none");
    CHECK(render_template("{{range .items}}{{if .name}}y{{end}}{{end}}", sample()) == "yy");
  }

  TEST_CASE("if takes what is not empty") {
    CHECK(render_template("{{if .name}}yes{{else}}no{{end}}", sample()) == "yes");
    CHECK(render_template("{{if .empty}}yes{{else}}no{{end}}", sample()) == "no");
    CHECK(render_template("{{if .empty}}{{.nothing}}{{end}}ok", sample()) == "ok");
  }

  TEST_CASE("functions, literals and trim marks work as in Go") {
    CHECK(render_template("{{len .items}}", sample()) == "2");
    CHECK(render_template("{{upper .name}}{{\"\\t\"}}{{.name | upper | lower}}", sample()) ==
          "SHOP\tshop");
    CHECK(render_template("{{join .words \", \"}}", sample()) == "a, b");
    CHECK(render_template("a \n {{- .name -}}  b", sample()) == "ashopb");
    CHECK(render_template(R"({{.name}}\n)", sample()) == "shop\n");
  }

  TEST_CASE("a field that is not there is told with those that are") {
    CHECK(fault("{{.nmae}}") ==
          "--format: no field nmae in .; it has name, count, empty, items, words, labels");
    CHECK(fault("{{.name.first}}").find("in .name; it is") != std::string::npos);
  }

  TEST_CASE("what is no template is refused") {
    for (const char* text :
         {"{{.name", "{{}}", "{{nonsense .name}}", "{{range .items}}", "{{end}}", "{{else}}",
          "{{.a..b}}", "{{\"open}}", "{{.name .count}}", "{{range .name}}x{{end}}", "{{json}}"}) {
      CAPTURE(text);
      CHECK_FALSE(fault(text).empty());
    }
  }
}
