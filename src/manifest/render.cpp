#include "manifest/render.hpp"

#include "manifest/text.hpp"
#include "pod/utf8.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <tuple>

namespace pausa::manifest {

namespace {

using pod::Diagnostic;
using pod::Severity;

// SGR codes (ECMA-48); empty without colour.
struct Palette {
  std::string_view bold, red, yellow, cyan, green, reset;
};
constexpr Palette plain_palette = {};
constexpr Palette colour_palette = {"\033[1m",    "\033[1;31m", "\033[1;33m",
                                    "\033[1;36m", "\033[1;32m", "\033[0m"};

// How far a line is shown to either side of its fault.
constexpr std::size_t context = 72;
// Nobody reads more, and each one looks for its line from the start.
constexpr std::size_t most_rendered = 200;

std::string_view severity_word(Severity severity) {
  switch (severity) {
    case Severity::error:
      return "error";
    case Severity::warning:
      return "warning";
    case Severity::note:
      return "note";
  }
  return {};
}

std::string_view severity_colour(const Palette& palette, Severity severity) {
  switch (severity) {
    case Severity::error:
      return palette.red;
    case Severity::warning:
      return palette.yellow;
    case Severity::note:
      return palette.cyan;
  }
  return {};
}

void append_hex(std::string& out, char32_t value, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
    out += "0123456789abcdef"[(value >> shift) & 0xF];
  }
}

// One code point or bad byte of a text, as it may be shown. Direction overrides and the like could
// make a line look like another one.
std::string shown(std::string_view text, const pod::CodePoint& point) {
  std::string out;
  const char32_t c = point.value;
  const bool misleading =
      (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
  if (!point.valid) {
    append_hex(out += "\\x", c, 2);
  } else if (c == '\t') {
    out += ' ';
  } else if (c < 0x20 || (c >= 0x7F && c < 0xA0)) {
    append_hex(out += "\\x", c, 2);
  } else if (misleading || c == 0xFEFF) {
    append_hex(out += "\\u", c, 4);
  } else {
    out = text;
  }
  return out;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const pod::CodePoint point = pod::decode_utf8(text, at);
    out += point.value == '\n' && point.valid ? "\\n" : shown(text.substr(at, point.length), point);
    at += point.length;
  }
  return out;
}

// The bytes of the token that begins at text: a quoted scalar with its quotes, or a word.
std::size_t token_length(std::string_view text) {
  if (text.empty()) return 0;
  if (text.front() == '"' || text.front() == '\'') {
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (text[i] == '\\' && text.front() == '"') {
        ++i;
      } else if (text[i] == text.front()) {
        return i + 1;
      }
    }
    return 1;
  }
  std::size_t length = text.find_first_of(" \t,[]{}");
  if (length == std::string_view::npos) length = text.size();
  if (length > 1 && text[length - 1] == ':') --length;
  return std::max<std::size_t>(length, 1);
}

struct Excerpt {
  std::string line;
  std::size_t column = 0;  // of the fault in line, in characters from 0
  std::size_t width = 1;
};

Excerpt excerpt(std::string_view line, std::uint32_t column) {
  std::size_t start = 0;  // byte of the fault
  for (std::uint32_t i = 1; i < column && start < line.size(); ++i) {
    start += pod::decode_utf8(line, start).length;
  }
  const std::size_t stop = start + token_length(line.substr(start));
  Excerpt out;
  out.width = 0;
  const bool cut_front = start > context;
  const bool cut_back = line.size() > stop && line.size() - stop > context;
  if (cut_front) out.line = "…";
  out.column = cut_front ? 1 : 0;
  const std::size_t from = cut_front ? start - context : 0;
  const std::size_t to = cut_back ? stop + context : line.size();
  for (std::size_t at = 0; at < to;) {
    const pod::CodePoint point = pod::decode_utf8(line, at);
    if (at >= from) {
      const std::string text = shown(line.substr(at, point.length), point);
      const std::size_t columns = point.valid && text.size() == point.length ? 1 : text.size();
      out.line += text;
      if (at < start) out.column += columns;
      if (at >= start && at < stop) out.width += columns;
    }
    at += point.length;
  }
  if (cut_back) out.line += "…";
  out.width = std::max<std::size_t>(out.width, 1);
  return out;
}

// Lines as LineIndex counts them, without a copy of the whole text.
std::string_view source_line(std::string_view text, std::uint32_t wanted) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  for (std::uint32_t line = 1;; ++line) {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    if (line == wanted) return text.substr(0, end);
    if (end == text.size()) return {};
    text.remove_prefix(end + (text.substr(end, 2) == "\r\n" ? 2 : 1));
  }
}

std::string counted(std::size_t count, std::string_view word) {
  return std::to_string(count) + " " + std::string(word) + (count == 1 ? "" : "s");
}

}  // namespace

std::string render(const Diagnostic& diagnostic, const Source* source, bool colour) {
  const Palette& palette = colour ? colour_palette : plain_palette;
  const pod::Mark mark = diagnostic.mark;
  std::string out;
  (out += palette.bold) += escaped(diagnostic.file);
  if (mark.line != 0) out += ":" + place(mark);
  if (!diagnostic.file.empty() || mark.line != 0) out += ": ";
  out += palette.reset;
  (out += severity_colour(palette, diagnostic.severity)) += severity_word(diagnostic.severity);
  ((out += ":") += palette.reset) += " ";
  (out += escaped(message(diagnostic))) += '\n';
  const bool with_line = source && mark.line != 0 && !diagnostic.confidential;
  if (with_line) {
    const Excerpt shown_line = excerpt(source_line(source->text, mark.line), mark.column);
    const std::string number = std::to_string(mark.line);
    out.append(number.size() < 5 ? 5 - number.size() : 0, ' ').append(number);
    ((out += " | ") += shown_line.line) += '\n';
    out.append(std::max<std::size_t>(number.size(), 5), ' ').append(" | ");
    out.append(shown_line.column, ' ').append(palette.green).append("^");
    out.append(shown_line.width - 1, '~').append(palette.reset).append("\n");
  }
  if (!diagnostic.hint.empty()) {
    out.append("      = ").append(escaped(diagnostic.hint)).append("\n");
  }
  return out;
}

std::string summary(const pod::Diagnostics& diagnostics, std::string_view consequence) {
  static constexpr std::array severities = {Severity::error, Severity::warning, Severity::note};
  std::string out;
  for (const Severity severity : severities) {
    const auto count =
        std::count_if(diagnostics.begin(), diagnostics.end(),
                      [severity](const Diagnostic& d) { return d.severity == severity; });
    if (count == 0) continue;
    if (!out.empty()) out += ", ";
    out += counted(static_cast<std::size_t>(count), severity_word(severity));
  }
  if (!out.empty() && !consequence.empty()) (out += "; ") += consequence;
  return out;
}

std::string render_all(const pod::Diagnostics& diagnostics, const std::vector<Source>& sources,
                       bool colour, std::string_view consequence) {
  std::string out;
  const std::size_t told = std::min(diagnostics.size(), most_rendered);
  for (const Diagnostic& diagnostic : std::span(diagnostics).first(told)) {
    const auto source = std::find_if(sources.begin(), sources.end(), [&](const Source& candidate) {
      return candidate.name == diagnostic.file;
    });
    out += render(diagnostic, source == sources.end() ? nullptr : &*source, colour);
  }
  if (told < diagnostics.size())
    out += "… and " + std::to_string(diagnostics.size() - told) + " more\n";
  const std::string last = summary(diagnostics, consequence);
  if (!last.empty()) out += last + "\n";
  return out;
}

void sort_and_dedupe(pod::Diagnostics& diagnostics, const std::vector<Source>& sources) {
  const auto rank = [&sources](const Diagnostic& d) {
    const auto source = std::find_if(sources.begin(), sources.end(),
                                     [&d](const Source& s) { return s.name == d.file; });
    // A source that could not be read has no text here; it comes first.
    return source == sources.end() ? 0 : source - sources.begin() + 1;
  };
  const auto key = [&rank](const Diagnostic& d) {
    return std::tuple(rank(d), d.mark.line, d.mark.column, d.severity);
  };
  std::stable_sort(diagnostics.begin(), diagnostics.end(),
                   [&key](const auto& a, const auto& b) { return key(a) < key(b); });
  const auto same = [](const Diagnostic& a, const Diagnostic& b) {
    return a.file == b.file && a.mark.line == b.mark.line && a.mark.column == b.mark.column &&
           a.severity == b.severity && message(a) == message(b);
  };
  diagnostics.erase(std::unique(diagnostics.begin(), diagnostics.end(), same), diagnostics.end());
  // Several reasons against one value are one finding.
  const auto join = [](Diagnostic& first, const Diagnostic& other) {
    const bool one = first.kind == pod::ErrorKind::invalid && other.kind == first.kind &&
                     first.file == other.file && first.mark.line == other.mark.line &&
                     first.mark.column == other.mark.column && first.severity == other.severity &&
                     first.path == other.path && first.value == other.value && other.hint.empty();
    if (one) first.text += "; " + other.text;
    return one;
  };
  std::size_t kept = 0;
  for (std::size_t i = 1; i < diagnostics.size(); ++i)
    if (!join(diagnostics[kept], diagnostics[i]) && ++kept != i)
      diagnostics[kept] = std::move(diagnostics[i]);
  if (!diagnostics.empty()) diagnostics.resize(kept + 1);
}

}  // namespace pausa::manifest
