#include "manifest/scan.hpp"

#include "manifest/escapes.hpp"
#include "pod/utf8.hpp"

#include <algorithm>
#include <optional>

namespace pausa::manifest {

namespace {

constexpr const char* indent_hint = "YAML indents with blanks only";

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}
bool is_flow_indicator(char c) {
  return std::string_view(",[]{}").find(c) != std::string_view::npos;
}

class Scanner {
 public:
  Scanner(std::string_view text, const LineIndex& lines, std::size_t max_depth,
          std::size_t max_pieces)
      : text_(text), lines_(lines), max_depth_(max_depth), max_pieces_(max_pieces) {}

  ScanResult run() {
    start_piece(0);
    while (at_ < text_.size() && !given_up_) {
      line_ = at_;
      if (at_marker()) {
        marker();
      } else if (text_[at_] == '%' && !started_) {
        directive();
        continue;
      } else {
        indentation();
      }
      tokens();
    }
    end_piece(text_.size());
    if (given_up_) result_.pieces.clear();
    return std::move(result_);
  }

 private:
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\n';
  }
  bool ends_word(std::size_t ahead) const { return is_blank(peek(ahead)) || peek(ahead) == '\n'; }
  bool in_flow() const { return !brackets_.empty(); }
  int column() const { return static_cast<int>(at_ - line_); }
  std::size_t line_end() const { return std::min(text_.find('\n', at_), text_.size()); }
  std::string opened(std::size_t offset) const { return "opened at " + place(lines_.mark(offset)); }

  void problem(std::size_t offset, std::string text, std::string hint = {}) {
    result_.problems.push_back({offset, std::move(text), std::move(hint)});
    broken_ = true;
  }

  // "---" or "..." alone at the start of a line ends whatever is open (YAML 1.2, 9.1.2).
  bool at_marker() const {
    const std::string_view word = text_.substr(at_, 3);
    return (word == "---" || word == "...") && ends_word(3);
  }

  void marker() {
    const bool begins = peek() == '-';
    if (started_ || !begins) {
      end_piece(at_);
      start_piece(at_);
    }
    at_ += 3;
    if (begins) {
      started_ = true;
      return;
    }
    while (is_blank(peek())) ++at_;
    if (peek() != '\n' && peek() != '#') problem(at_, "text after the end of the document (...)");
    at_ = line_end();
    start_piece(at_);
  }

  // %YAML says nothing that we would heed; %TAG would rename tags.
  void directive() {
    if (text_.substr(at_, 6) != "%YAML ") {
      problem(at_, "no directive but %YAML is supported", "quote a text that begins with \"%\"");
    }
    piece_.replace(at_, at_ + 1, "#");
    at_ = std::min(line_end() + 1, text_.size());
  }

  void start_piece(std::size_t offset) {
    piece_ = PieceWriter(text_, offset);
    brackets_.clear();
    parent_indent_ = -1;
    node_column_.reset();
    key_due_.reset();
    started_ = content_ = plain_open_ = broken_ = false;
  }

  void end_piece(std::size_t offset) {
    if (in_flow() && !broken_) {
      const auto [bracket, where] = brackets_.back();
      problem(where, std::string("\"") + bracket + "\" " + opened(where) + " is never closed");
    }
    if (content_ && !broken_) {
      if (result_.pieces.size() == max_pieces_) {
        problem(piece_.begin(), "more than " + std::to_string(max_pieces_) + " documents");
        given_up_ = true;
        return;
      }
      result_.pieces.push_back(piece_.finish(offset));
    }
  }

  void indentation() {
    while (peek() == ' ') ++at_;
    const bool continues = plain_open_ && column() > parent_indent_;
    const std::size_t tab = at_;
    while (is_blank(peek())) ++at_;
    if (peek() == '\n' || in_flow() || tab == at_ || continues) return;
    if (peek() != '#') {
      problem(tab, "a tab in the indentation", indent_hint);
    }
  }

  void tokens() {
    const bool first_of_line =
        std::all_of(text_.begin() + static_cast<std::ptrdiff_t>(line_),
                    text_.begin() + static_cast<std::ptrdiff_t>(at_), is_blank);
    if (first_of_line) {
      node_column_.reset();
      if (plain_open_ && peek() != '\n' && continues_plain()) {
        plain();
      } else if (must_be_key()) {
        key_due_ = at_;
      }
    }
    while (peek() != '\n' && !given_up_) {
      if (is_blank(peek())) {
        ++at_;
      } else if (peek() == '#' && (at_ == line_ || is_blank(text_[at_ - 1]))) {
        plain_open_ = false;
        at_ = line_end();
      } else {
        started_ = content_ = true;
        plain_open_ = false;
        token();
      }
    }
    if (key_due_ && !in_flow()) key_without_colon();
    if (at_ < text_.size()) ++at_;
  }

  // What is not indented deeper than the last key or "-" begins the next entry of a collection.
  bool must_be_key() const {
    const char c = peek();
    return !in_flow() && c != '\n' && c != '#' && column() <= parent_indent_ &&
           !((c == '-' || c == '?' || c == ':') && ends_word(1));
  }

  // yaml-cpp takes such a line for a key with a null value.
  void key_without_colon() {
    const std::string_view word = text_.substr(*key_due_, at_ - *key_due_);
    if (!broken_) {
      problem(*key_due_, "a \": \" is missing in this line",
              word.find(':') == std::string_view::npos ? "" : "a blank must follow the \":\"");
    }
    key_due_.reset();
  }

  bool continues_plain() const {
    if (peek() == '#') return false;
    if (in_flow()) return !is_flow_indicator(peek()) && !(peek() == ':' && ends_word(1));
    return column() > parent_indent_;
  }

  void token() {
    const char c = peek();
    if (in_flow() && (c == ',' || c == ']' || c == '}')) {
      if (c == ',') {
        if (!item_seen_ && !broken_) problem(at_, "nothing stands before this \",\"");
        item_seen_ = false;
        ++at_;
      } else {
        close();
        item_seen_ = true;
      }
      return;
    }
    item_seen_ = true;
    if ((c == '-' || c == '?' || c == ':') &&
        (ends_word(1) || (in_flow() && is_flow_indicator(peek(1))))) {
      indicator();
      return;
    }
    if (in_flow() && c == ':' && at_ > 0 &&
        std::string_view("\"'}]").find(text_[at_ - 1]) != std::string_view::npos) {
      ++at_;  // "key":value, as JSON writes it
      return;
    }
    if ((c == '|' || c == '>') && !in_flow()) {
      block_scalar();
      return;
    }
    if (!node_column_) node_column_ = column();
    switch (c) {
      case '[':
      case '{':
        open();
        break;
      case '"':
      case '\'':
        quoted();
        break;
      case '&':
      case '*':
      case '!':
        property();
        break;
      case '%':
      case '@':
      case '`':
        problem(at_, std::string("a plain scalar cannot start with \"") + c + '"', "quote it");
        [[fallthrough]];
      default:
        plain();
    }
  }

  // "- ", "? " and ": ": what follows is indented against the indicator, or against the key.
  void indicator() {
    if (!in_flow()) {
      parent_indent_ = peek() == ':' ? node_column_.value_or(parent_indent_) : column();
      if (peek() == ':') key_due_.reset();
      node_column_.reset();
    }
    ++at_;
  }

  void open() {
    if (brackets_.size() == max_depth_) {
      problem(at_, "nesting deeper than " + std::to_string(max_depth_));
      given_up_ = true;
    }
    brackets_.emplace_back(peek(), at_);
    item_seen_ = false;
    ++at_;
  }

  void close() {
    const auto [bracket, where] = brackets_.back();
    if ((bracket == '[') != (peek() == ']') && !broken_) {
      problem(at_,
              std::string("\"") + peek() + "\" cannot close \"" + bracket + "\" " + opened(where));
    }
    brackets_.pop_back();
    ++at_;
  }

  void property() {
    while (!ends_word(0) && !(in_flow() && is_flow_indicator(peek()))) ++at_;
  }

  void plain() {
    for (; peek() != '\n'; ++at_) {
      if (peek() == ':' && (ends_word(1) || (in_flow() && is_flow_indicator(peek(1))))) return;
      if (in_flow() && is_flow_indicator(peek())) return;
      if (peek() == '#' && is_blank(text_[at_ - 1])) return;
    }
    plain_open_ = true;
  }

  void quoted() {
    const std::size_t opening = at_;
    const char quote = text_[at_++];
    for (;; ++at_) {
      if (at_ >= text_.size()) break;
      if (text_[at_] == quote) {
        if (quote == '"' || peek(1) != '\'') return after_quote(opening);
        ++at_;
      } else if (text_[at_] == '\n') {
        line_ = at_ + 1;
        ++at_;
        const bool cut_off = at_ < text_.size() && at_marker();
        --at_;
        if (cut_off) break;
      } else if (text_[at_] == '\\' && quote == '"') {
        escape();
      }
    }
    problem(opening, "unterminated quoted scalar " + opened(opening));
  }

  // at_ is at a closing quote. Text after it means that the quote was none, or closed another one.
  void after_quote(std::size_t opening) {
    ++at_;
    if (ends_word(0) || peek() == ':' || (in_flow() && is_flow_indicator(peek()))) return;
    if (line_ > opening) {
      problem(opening, "unterminated quoted scalar " + opened(opening),
              "the next quote stands at " + place(lines_.mark(at_ - 1)) + ", with text behind it");
    } else if (!broken_) {
      problem(at_, "text right after a closing quote");
    }
    broken_ = true;
  }

  // at_ is at a backslash; leaves it at the last byte of the escape.
  void escape() {
    if (peek(1) == '\'') {
      piece_.replace(at_, at_ + 1, "");
    } else if (const auto character = surrogate_pair(text_.substr(at_))) {
      std::string whole;
      pod::append_utf8(whole, *character);
      piece_.replace(at_, at_ + surrogate_pair_size, whole);
      at_ += surrogate_pair_size - 1;
      return;
    }
    if (peek(1) != '\n') ++at_;
  }

  // Lines indented deeper than the parent belong to the scalar, whatever they hold.
  void block_scalar() {
    int indent = -1;
    const bool folds = peek() == '>';
    bool keeps = false;
    for (++at_; peek() == '+' || peek() == '-' || (peek() >= '0' && peek() <= '9'); ++at_) {
      keeps = keeps || peek() == '+';
      if (peek() > '0' && peek() <= '9') indent = std::max(parent_indent_, 0) + (peek() - '0');
    }
    at_ = line_end();
    std::size_t text_end = 0;     // of the last line with text, when it folds into the next one
    std::size_t blank_lines = 0;  // behind it
    while (at_ < text_.size()) {
      const std::size_t line_break = at_;
      line_ = ++at_;
      while (peek() == ' ' && (indent < 0 || column() < indent)) ++at_;
      if (at_ == text_.size()) break;
      if (peek() == '\n') {
        ++blank_lines;
        continue;
      }
      if (indent < 0 && column() > parent_indent_) indent = column();
      const bool inside = indent >= 0 && column() >= indent && !(column() == 0 && at_marker());
      if (!inside) {
        const bool tab = peek() == '\t' && text_.find_first_not_of(" \t", at_) < line_end();
        if (tab) {
          problem(at_, "a tab in the indentation of a block scalar", indent_hint);
        }
        // Unless it is spoilt, the caller goes on with the line that we have only looked at.
        at_ = tab ? line_end() : line_break;
        break;
      }
      const bool spaced = is_blank(peek());
      at_ = line_end();
      text_end = spaced ? 0 : at_;
      blank_lines = 0;
    }
    // yaml-cpp 0.7 drops one of the blank lines that "+" keeps.
    if (folds && keeps && text_end != 0 && blank_lines > 0)
      piece_.replace(text_end, text_end, "\n");
  }

  std::string_view text_;
  const LineIndex& lines_;
  std::size_t max_depth_;
  std::size_t max_pieces_;
  ScanResult result_;

  std::size_t at_ = 0;
  std::size_t line_ = 0;  // where the current line starts

  PieceWriter piece_;
  std::vector<std::pair<char, std::size_t>> brackets_;
  int parent_indent_ = -1;          // column of the key or indicator that holds the current node
  std::optional<int> node_column_;  // where the current line's node starts: it may prove a key
  bool item_seen_ = false;          // in brackets: something stands behind the last ","
  std::optional<std::size_t> key_due_;  // the line that starts here must hold a ": "
  bool started_ = false;                // the document's "---" or content was seen
  bool content_ = false;
  bool plain_open_ = false;  // the last line ended in a plain scalar, which may go on
  bool broken_ = false;      // the piece has a problem: yaml-cpp does not get to see it
  bool given_up_ = false;
};

}  // namespace

ScanResult scan(std::string_view text, const LineIndex& lines, std::size_t max_depth,
                std::size_t max_pieces) {
  return Scanner(text, lines, max_depth, max_pieces).run();
}

}  // namespace pausa::manifest
