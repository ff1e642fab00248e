#include "manifest/parse.hpp"

#include "manifest/escapes.hpp"
#include "manifest/resolve.hpp"
#include "manifest/tree.hpp"
#include "manifest/wording.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <utility>

namespace pausa::manifest {

namespace {

using pod::Mark;
using pod::Node;

// Ends the reading of a document; its diagnostic is already written.
struct GiveUp {};

constexpr std::string_view core_tags = "tag:yaml.org,2002:";

class Builder : public YAML::EventHandler {
 public:
  Builder(const Piece& piece, const LineIndex& lines, const Limits& limits, Usage& usage,
          pod::Diagnostics& diagnostics, const Variables* variables)
      : piece_(piece),
        lines_(lines),
        limits_(limits),
        usage_(usage),
        diagnostics_(diagnostics),
        variables_(variables) {}

  Node take() { return tree_.take(); }

  Mark place_of(const YAML::Mark& mark) const {
    return lines_.mark(piece_.origin(mark.pos < 0 ? 0 : static_cast<std::size_t>(mark.pos)));
  }

  void error(Mark mark, std::string text, std::string hint = {}) {
    add(syntax_error(mark, std::move(text), std::move(hint)));
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ == 0) return;
    error(place_of(mark), "text after the end of the document",
          "check the indentation, or separate the documents by \"---\"");
    throw GiveUp();
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    std::size_t offset = static_cast<std::size_t>(std::max(mark.pos, 0));
    static constexpr std::string_view words[] = {"~", "null", "Null", "NULL"};
    const std::string_view rest =
        std::string_view(piece_.text).substr(std::min(offset, piece_.text.size()));
    const auto* const written =
        std::find_if(std::begin(words), std::end(words),
                     [rest](std::string_view word) { return rest.starts_with(word); });
    Node node;
    // yaml-cpp marks an absent value with the token behind it.
    if (written != std::end(words)) {
      node.text = *written;
      node.mark = place_of(mark);
    } else if (const Mark* key = tree_.open_key()) {
      node.mark = *key;
    } else {
      const std::size_t dash = piece_.text.rfind('-', offset > 0 ? offset - 1 : 0);
      node.mark = dash == std::string::npos ? place_of(mark) : lines_.mark(piece_.origin(dash));
    }
    put(std::move(node), anchor, false);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& given) override {
    const std::string value = mend_escapes(given);
    const bool filled =
        variables_ != nullptr && !tree_.expects_key() && value.find("${") != std::string::npos;
    Node node = scalar(place_of(mark), tag, filled ? fill_in(mark, value) : value);
    put(std::move(node), anchor, false);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const Mark where = place_of(mark);
    const Node* const target = tree_.find(anchor);
    if (target == nullptr) {
      error(where, "alias cycle: the alias stands inside the node that it names");
      throw GiveUp();
    }
    usage_.alias_nodes += count_nodes(*target);
    if (usage_.alias_nodes > limits_.alias_nodes) {
      give_up(where, "alias expansion exceeds " + std::to_string(limits_.alias_nodes) + " nodes");
    }
    usage_.nodes += count_nodes(*target) - 1;
    if (tree_.depth() + height(*target) > limits_.depth) {
      give_up(where, "nesting deeper than " + std::to_string(limits_.depth));
    }
    Node copy = *target;
    copy.mark = where;
    put(std::move(copy), 0, false);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    begin(Node::make_list(), place_of(mark), tag, "seq", anchor);
  }
  void OnSequenceEnd() override { tree_.close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    begin(Node::make_map(), place_of(mark), tag, "map", anchor);
  }
  void OnMapEnd() override { tree_.close(); }

 private:
  void add(pod::Diagnostic diagnostic) {
    diagnostics_.push_back(std::move(diagnostic));
    if (diagnostics_.size() < limits_.diagnostics) return;
    diagnostics_.push_back(syntax_error(diagnostics_.back().mark,
                                        "too many findings; the rest of the file was not read"));
    throw GiveUp();
  }

  [[noreturn]] void give_up(Mark mark, std::string text) {
    error(mark, std::move(text));
    throw GiveUp();
  }

  Node scalar(Mark mark, const std::string& tag, const std::string& value) {
    Node text = Node::make_string(value);
    text.mark = mark;
    if (tag == "!") return text;
    const bool plain = tag == "?" || tag.empty();
    const std::string_view type = plain ? std::string_view() : core_type(tag);
    if (!plain && type.empty()) {
      unsupported_tag(mark, tag);
      return text;
    }
    if (type == "str") return text;
    Resolved resolved = resolve_plain(value);
    resolved.node.mark = mark;
    const Node::Kind kind = resolved.node.kind;
    const bool fits =
        plain || (type == "null" && kind == Node::Kind::null) ||
        (type == "bool" && kind == Node::Kind::boolean) ||
        (type == "int" && kind == Node::Kind::integer) ||
        (type == "float" && (kind == Node::Kind::integer || kind == Node::Kind::real));
    if (!fits) {
      error(mark, "the tag !!" + std::string(type) + " does not fit \"" + value + "\"");
    } else if (resolved.not_json) {
      error(mark, value + " is no number that Kubernetes knows", "quote it for the text");
    } else if (!resolved.note.empty() && !tree_.expects_key()) {
      pod::Diagnostic note;
      note.severity = pod::Severity::note;
      note.mark = mark;
      note.path = tree_.path_here();
      note.text = std::move(resolved.note);
      note.hint = std::move(resolved.hint);
      add(std::move(note));
    }
    return std::move(resolved.node);
  }

  // The scalar with the values of its variables.
  std::string fill_in(const YAML::Mark& mark, const std::string& value) {
    std::vector<SubstituteFault> faults;
    add_references(value, usage_.variables);
    std::string filled = substitute(value, *variables_, faults);
    for (auto& fault : faults)
      error(place_of_reference(mark, fault.reference), std::move(fault.text),
            fault.hint == " " ? "" : std::move(fault.hint));
    usage_.substituted += filled.size();
    if (usage_.substituted > limits_.substituted)
      give_up(place_of(mark), "variables make more than " +
                                  std::to_string(limits_.substituted >> 20) + " MiB of it");
    if (const auto bad = find_bad_byte(filled))
      error(place_of(mark), "with its variables: " + bad->text, bad->hint);
    return filled;
  }

  Mark place_of_reference(const YAML::Mark& mark, std::size_t number) const {
    std::size_t at = static_cast<std::size_t>(std::max(mark.pos, 0));
    for (at = piece_.text.find("${", at); number > 0 && at != std::string::npos; --number)
      at = piece_.text.find("${", at + 2);
    return at == std::string::npos ? place_of(mark) : lines_.mark(piece_.origin(at));
  }

  static std::string_view core_type(std::string_view tag) {
    if (!tag.starts_with(core_tags)) return {};
    tag.remove_prefix(core_tags.size());
    static constexpr std::string_view known[] = {"str", "int", "float", "bool", "null"};
    return std::find(std::begin(known), std::end(known), tag) == std::end(known)
               ? std::string_view()
               : tag;
  }

  void unsupported_tag(Mark mark, std::string_view tag) {
    std::string shown(tag);
    if (tag.starts_with(core_tags)) shown = "!!" + shown.substr(core_tags.size());
    error(mark, "unsupported tag " + shown,
          "only the tags of JSON's types may be used (!!str, !!int, …)");
  }

  void begin(Node node, Mark mark, const std::string& tag, std::string_view type,
             YAML::anchor_t anchor) {
    if (tree_.depth() == limits_.depth) {
      give_up(mark, "nesting deeper than " + std::to_string(limits_.depth));
    }
    if (!tag.empty() && tag != "?" && tag != "!" &&
        tag != std::string(core_tags) + std::string(type)) {
      unsupported_tag(mark, tag);
    }
    node.mark = mark;
    put(std::move(node), anchor, true);
  }

  // Puts a node where the document has come to; opens it when it is a list or map that goes on.
  void put(Node node, YAML::anchor_t anchor, bool open) {
    if (++usage_.nodes > limits_.nodes) {
      give_up(node.mark, "more than " + std::to_string(limits_.nodes) + " nodes");
    }
    if (tree_.expects_key()) {
      if (!node.is_string()) {
        // A key that is a list or map would need a tree of its own: no way on from there.
        error(node.mark, key_fault(node), node.is_list() || node.is_map() ? "" : "quote it");
        if (open) throw GiveUp();
      }
      key(node);
      return;
    }
    tree_.add(std::move(node), anchor, open);
  }

  static std::string key_fault(const Node& node) {
    if (node.is_null()) return "a key is missing here";
    const bool literal = !node.is_list() && !node.is_map();
    return "a key must be a string, not " + std::string(pod::kind_name(node.kind)) +
           (literal ? " (" + node.text + ")" : "");
  }

  void key(const Node& node) {
    const auto first = tree_.add_key(node);
    if (node.text == "<<" && !node.quoted) {
      error(node.mark, "merge keys (<<) are not supported", "write the fields out");
      tree_.refuse_key();
    }
    if (!first) return;
    tree_.refuse_key();
    pod::Diagnostic diagnostic;
    diagnostic.kind = pod::ErrorKind::duplicate;
    diagnostic.mark = node.mark;
    diagnostic.path = tree_.path_here();
    diagnostic.value = pod::to_json(node);
    diagnostic.text = "the key is already set at line " + std::to_string(first->line);
    add(std::move(diagnostic));
  }

  const Piece& piece_;
  const LineIndex& lines_;
  const Limits& limits_;
  Usage& usage_;
  pod::Diagnostics& diagnostics_;
  const Variables* variables_;
  int documents_ = 0;
  Tree tree_;
};

}  // namespace

std::optional<Node> parse(const Piece& piece, const LineIndex& lines, const Limits& limits,
                          Usage& usage, pod::Diagnostics& diagnostics, const Variables* variables) {
  Builder builder(piece, lines, limits, usage, diagnostics, variables);
  try {
    std::istringstream stream(piece.text);
    YAML::Parser parser(stream);
    try {
      if (!parser.HandleNextDocument(builder)) return Node();
      // A document that ended before its text did: the handler says so at the next event.
      if (parser) parser.HandleNextDocument(builder);
    } catch (const YAML::Exception& error) {
      const Wording wording = reword(error.msg);
      builder.error(builder.place_of(error.mark), wording.text, wording.hint);
      return std::nullopt;
    }
  } catch (const GiveUp&) {
    return std::nullopt;
  }
  return builder.take();
}

}  // namespace pausa::manifest
