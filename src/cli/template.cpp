#include "cli/template.hpp"

#include "cli/command.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

namespace pausa::cli {
namespace {

using pod::Node;

constexpr std::string_view blanks = " \t\r\n";

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

struct Piece {
  bool action = false;
  std::string text;
};

std::vector<Piece> split(std::string_view text) {
  std::vector<Piece> pieces;
  bool trim_next = false;
  while (!text.empty()) {
    const auto open = text.find("{{");
    std::string_view plain = text.substr(0, open);
    if (trim_next) plain.remove_prefix(std::min(plain.find_first_not_of(blanks), plain.size()));
    if (open == std::string_view::npos) {
      pieces.push_back({false, std::string(plain)});
      break;
    }
    const auto close = text.find("}}", open);
    if (close == std::string_view::npos)
      throw UsageError("--format: \"{{\" without \"}}\" in \"" + std::string(text.substr(open)) +
                       "\"");
    std::string_view action = text.substr(open + 2, close - open - 2);
    if (action.starts_with("- ")) {
      plain = plain.substr(0, plain.find_last_not_of(blanks) + 1);
      action.remove_prefix(1);
    }
    trim_next = action.ends_with(" -");
    if (trim_next) action.remove_suffix(1);
    if (!plain.empty()) pieces.push_back({false, std::string(plain)});
    pieces.push_back({true, std::string(trim(action))});
    text.remove_prefix(close + 2);
  }
  return pieces;
}

// Words of an action; a literal keeps its opening quote, "|", "(" and ")" stand for themselves.
std::vector<std::string> words_of(std::string_view action) {
  std::vector<std::string> words;
  while (true) {
    action = trim(action);
    if (action.empty()) return words;
    const char c = action.front();
    if (c == '|') {
      words.emplace_back("|");
      action.remove_prefix(1);
    } else if (c == '"' || c == '`') {
      std::string literal = "\"";
      std::size_t i = 1;
      while (i < action.size() && action[i] != c) {
        char letter = action[i++];
        if (letter == '\\' && c == '"' && i < action.size()) {
          letter = action[i++];
          if (letter == 'n') letter = '\n';
          if (letter == 't') letter = '\t';
        }
        literal += letter;
      }
      if (i >= action.size())
        throw UsageError("--format: unterminated string in {{" + std::string(action) + "}}");
      words.push_back(std::move(literal));
      action.remove_prefix(i + 1);
    } else {
      const auto end = std::min(action.find_first_of(" \t\r\n|\"`"), action.size());
      words.emplace_back(action.substr(0, end));
      action.remove_prefix(end);
    }
  }
}

std::string known_fields(const Node& node) {
  if (!node.is_map()) return "it is " + std::string(pod::kind_name(node.kind));
  std::string names;
  for (const auto& entry : node.entries) names += (names.empty() ? "" : ", ") + entry.key;
  return names.empty() ? "it has no fields" : "it has " + names;
}

Node field_of(const Node& node, const std::string& key, const std::string& where) {
  const Node* found = node.find(key);
  if (found == nullptr)
    throw UsageError("--format: no field " + key + " in " + (where.empty() ? "." : where) + "; " +
                     known_fields(node));
  return *found;
}

Node path_value(const Node& dot, const std::string& path) {
  Node here = dot;
  std::string where;
  std::size_t at = 1;
  while (at < path.size()) {
    const auto end = std::min(path.find('.', at), path.size());
    const std::string key = path.substr(at, end - at);
    if (key.empty()) throw UsageError("--format: \"" + path + "\" is no field path");
    here = field_of(here, key, where);
    where += "." + key;
    at = end + 1;
  }
  return here;
}

bool is_number(const std::string& word, std::int64_t& number) {
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  return error == std::errc() && end == word.data() + word.size();
}

std::string plain_text(const Node& node) {
  return node.is_string() ? node.text : pod::to_json(node);
}

bool truthy(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return false;
    case Node::Kind::boolean:
      return node.boolean;
    case Node::Kind::integer:
      return node.integer != 0;
    case Node::Kind::real:
      return node.real != 0;
    case Node::Kind::string:
      return !node.text.empty();
    case Node::Kind::list:
      return !node.items.empty();
    case Node::Kind::map:
      return !node.entries.empty();
  }
  return false;
}

Node index_of(const std::vector<Node>& operands) {
  Node here = operands.front();
  for (std::size_t i = 1; i < operands.size(); ++i) {
    const Node& key = operands[i];
    if (key.is_string()) {
      here = field_of(here, key.text, "index");
    } else if (here.is_list() && key.kind == Node::Kind::integer && key.integer >= 0 &&
               static_cast<std::size_t>(key.integer) < here.items.size()) {
      Node item = here.items[static_cast<std::size_t>(key.integer)];
      here = std::move(item);
    } else {
      throw UsageError("--format: index " + plain_text(key) + " is out of range");
    }
  }
  return here;
}

std::string change_case(std::string text, int (*change)(int)) {
  for (char& c : text) c = static_cast<char>(change(static_cast<unsigned char>(c)));
  return text;
}

Node call(const std::string& name, const std::vector<Node>& operands) {
  if (operands.empty()) throw UsageError("--format: " + name + " needs a value");
  const Node& first = operands.front();
  if (name == "json") return Node::make_string(pod::to_json(first));
  if (name == "index") return index_of(operands);
  if (name == "upper") return Node::make_string(change_case(plain_text(first), std::toupper));
  if (name == "lower") return Node::make_string(change_case(plain_text(first), std::tolower));
  if (name == "println") return Node::make_string(plain_text(first) + "\n");
  if (name == "len") {
    const auto size = first.is_list()  ? first.items.size()
                      : first.is_map() ? first.entries.size()
                                       : plain_text(first).size();
    return Node::make_integer(static_cast<std::int64_t>(size));
  }
  if (name == "join") {
    const std::string separator = operands.size() > 1 ? plain_text(operands[1]) : " ";
    std::string joined;
    for (const auto& item : first.items)
      joined += (joined.empty() ? "" : separator) + plain_text(item);
    return Node::make_string(std::move(joined));
  }
  throw UsageError("--format: no function " + name +
                   "; there are index, join, json, len, lower, println and upper");
}

Node evaluate(const std::string& action, const Node& dot, const Node& root) {
  const auto words = words_of(action);
  std::optional<Node> piped;
  std::size_t at = 0;
  do {
    std::string function;
    std::vector<Node> operands;
    for (; at < words.size() && words[at] != "|"; ++at) {
      const std::string& word = words[at];
      std::int64_t number = 0;
      if (word.front() == '"')
        operands.push_back(Node::make_string(word.substr(1)));
      else if (word.front() == '.')
        operands.push_back(path_value(dot, word));
      else if (word.front() == '$')
        operands.push_back(path_value(root, word.substr(1).empty() ? "." : word.substr(1)));
      else if (is_number(word, number))
        operands.push_back(Node::make_integer(number));
      else if (function.empty() && operands.empty())
        function = word;
      else
        throw UsageError("--format: \"" + word + "\" in {{" + action + "}}");
    }
    // A function of a pipe has what it prints as its last operand; join and json want it first.
    if (piped) operands.insert(function == "join" ? operands.begin() : operands.end(), *piped);
    if (!function.empty())
      piped = call(function, operands);
    else if (operands.size() == 1)
      piped = operands.front();
    else
      throw UsageError("--format: cannot make sense of {{" + action + "}}");
  } while (at++ < words.size());
  return *piped;
}

class Renderer {
 public:
  Renderer(const std::vector<Piece>& pieces, const Node& root) : pieces_(pieces), root_(root) {}

  std::string render() {
    std::string out;
    const std::string end = block(0, &root_, out);
    if (!end.empty()) throw UsageError("--format: {{" + end + "}} without its beginning");
    return out;
  }

 private:
  // Renders from `at` up to else, end or the text's end, and tells which; dot null: only skips.
  std::string block(std::size_t from, const Node* dot, std::string& out) {
    at_ = from;
    while (at_ < pieces_.size()) {
      const Piece& piece = pieces_[at_++];
      if (!piece.action) {
        if (dot != nullptr) out += piece.text;
        continue;
      }
      if (piece.text == "end" || piece.text == "else") return piece.text;
      if (piece.text.starts_with("/*")) continue;
      const bool range = piece.text.starts_with("range ");
      if (range || piece.text.starts_with("if "))
        control(range, piece.text.substr(range ? 6 : 3), dot, out);
      else if (dot != nullptr)
        out += plain_text(evaluate(piece.text, *dot, root_));
    }
    return {};
  }

  void control(bool range, const std::string& pipe, const Node* dot, std::string& out) {
    const std::size_t body = at_;
    const Node value = dot != nullptr ? evaluate(pipe, *dot, root_) : Node();
    std::string end;
    const bool taken = dot != nullptr && truthy(value);
    if (taken && range) {
      for (const auto& item : value.items) end = block(body, &item, out);
      for (const auto& entry : value.entries) end = block(body, &entry.value, out);
      if (!value.is_list() && !value.is_map())
        throw UsageError("--format: range over " + std::string(pod::kind_name(value.kind)));
    } else {
      end = block(body, taken ? dot : nullptr, out);
    }
    if (end == "else") end = block(at_, taken ? nullptr : dot, out);
    if (end != "end") throw UsageError("--format: no {{end}} for {{" + pipe + "}}");
  }

  const std::vector<Piece>& pieces_;
  const Node& root_;
  std::size_t at_ = 0;
};

}  // namespace

std::string render_template(std::string_view text, const Node& value) {
  if (trim(text) == "json") return pod::to_json(value);
  // The shell leaves "\n" and "\t" as they are.
  std::string source;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == 'n' || text[i + 1] == 't')) {
      source += text[i + 1] == 'n' ? '\n' : '\t';
      ++i;
    } else {
      source += text[i];
    }
  }
  const auto pieces = split(source);
  return Renderer(pieces, value).render();
}

}  // namespace pausa::cli
