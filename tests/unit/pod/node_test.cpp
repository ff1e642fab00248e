#include "pod/node.hpp"

#include "pod/diagnostic.hpp"
#include "support/json_node.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>

using namespace std::string_literals;
using pausa::pod::Node;

namespace {

Node sample() {
  Node root;
  root.set("name", Node::make_string("web"));
  Node& list = root.set("list", Node::make_list());
  list.push(Node::make_integer(-7));
  list.push(Node::make_real(0.5));
  list.push(Node::make_boolean(true));
  list.push(Node());
  list.push(Node::make_list());
  list.push(Node::make_map());
  return root;
}

}  // namespace

TEST_SUITE("pod/unit") {
  TEST_CASE("set makes a map of a null node and replaces what is there") {
    Node root = sample();
    CHECK(root.is_map());
    root.set("name", Node::make_string("api"));
    CHECK(root.entries.size() == 2);
    CHECK(root.find("name")->text == "api");
    CHECK(root.find("no") == nullptr);
    CHECK(Node::make_list().find("name") == nullptr);
  }

  TEST_CASE("equality is of values, not of places and spelling") {
    Node a = sample();
    Node b = sample();
    b.mark = {3, 4};
    b.find("list")->items[0].text = "-0x7";
    CHECK(a == b);
    b.find("list")->items[0].integer = 7;
    CHECK_FALSE(a == b);
    CHECK_FALSE(Node::make_integer(1) == Node::make_real(1));
  }

  TEST_CASE("JSON comes on one line or indented") {
    const Node root = sample();
    CHECK(to_json(root) == R"({"name":"web","list":[-7,0.5,true,null,[],{}]})");
    Node small;
    small.set("a", Node::make_list()).push(Node::make_integer(1));
    CHECK(to_json(small, 2) == "{\n  \"a\": [\n    1\n  ]\n}");
  }

  TEST_CASE("JSON escapes what JSON and YAML cannot carry raw") {
    const std::string hostile =
        "q\" b\\ n\n t\t r\r nul\0 esc\x1b del\x7f c1\xC2\x9B bom\xEF\xBB\xBF"s;
    const Node node = Node::make_string(hostile);
    const std::string text = to_json(node);
    CHECK(text ==
          "\"q\\\" b\\\\ n\\n t\\t r\\r nul\\u0000 esc\\u001b del\\u007f c1\\u009b bom\\ufeff\"");
    CHECK(pausa::test::JsonReader(text).read() == node);
    CHECK(to_json(Node::make_string("\u00e9\U0001F600")) == "\"\u00e9\U0001F600\"");
    CHECK(to_json(Node::make_string("a\xFF\xC0\x80z")) == "\"a\uFFFD\uFFFD\uFFFDz\"");
  }

  TEST_CASE("numbers read back as the same numbers") {
    for (const double value : {0.1, -2.5, 1e300, 5e-324, 1.0, 123456789.0, 1e21}) {
      const Node node = Node::make_real(value);
      CAPTURE(to_json(node));
      CHECK(pausa::test::JsonReader(to_json(node)).read().real == value);
      CHECK(to_json(node).find_first_of(".e") != std::string::npos);
    }
    const auto least = std::numeric_limits<std::int64_t>::min();
    CHECK(to_json(Node::make_integer(least)) == "-9223372036854775808");
    CHECK(to_json(Node::make_real(std::numeric_limits<double>::infinity())) == "null");
  }

  TEST_CASE("YAML is block style and quotes only what needs it") {
    Node root;
    root.set("image", Node::make_string("docker.io/library/busybox:1.36"));
    root.set("memory", Node::make_string("10Mi"));
    root.set("mode", Node::make_string("0644"));
    root.set("answer", Node::make_string("yes"));
    root.set("flag", Node::make_string("--verbose"));
    root.set("empty", Node::make_string(""));
    root.set("on", Node::make_string("a: b"));
    Node& items = root.set("items", Node::make_list());
    items.push(Node());
    items.items[0].set("a", Node::make_integer(1));
    items.items[0].set("b", Node::make_list()).push(Node::make_string("x y"));
    items.push(Node::make_list());
    items.items[1].push(Node::make_string("nested"));
    root.set("script", Node::make_string("one\n  two\n"));
    root.set("none", Node());
    CHECK(to_yaml(root) ==
          "image: docker.io/library/busybox:1.36\n"
          "memory: 10Mi\n"
          "mode: \"0644\"\n"
          "answer: \"yes\"\n"
          "flag: \"--verbose\"\n"
          "empty: \"\"\n"
          "\"on\": \"a: b\"\n"
          "items:\n"
          "- a: 1\n"
          "  b:\n"
          "  - x y\n"
          "- - nested\n"
          "script: |\n"
          "  one\n"
          "    two\n"
          "none: null\n");
    CHECK(to_yaml(Node::make_map()) == "{}\n");
  }

  TEST_CASE("a message reads as Kubernetes writes it") {
    pausa::pod::Diagnostic diagnostic;
    diagnostic.kind = pausa::pod::ErrorKind::invalid;
    diagnostic.path = "spec.hostname";
    diagnostic.value = "\"a.b\"";
    diagnostic.text = "must not hold a dot";
    CHECK(message(diagnostic) == "spec.hostname: Invalid value: \"a.b\": must not hold a dot");
    diagnostic = {};
    diagnostic.kind = pausa::pod::ErrorKind::required;
    diagnostic.path = "metadata.name";
    CHECK(message(diagnostic) == "metadata.name: Required value");
    diagnostic = {};
    diagnostic.kind = pausa::pod::ErrorKind::unknown_field;
    diagnostic.path = "spec.contaners";
    CHECK(message(diagnostic) == "unknown field \"spec.contaners\"");
    diagnostic.severity = pausa::pod::Severity::note;
    CHECK_FALSE(pausa::pod::has_errors({diagnostic}));
  }
}
