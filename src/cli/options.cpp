#include "cli/options.hpp"

#include "pod/duration.hpp"

#include <boost/program_options.hpp>

#include <algorithm>
#include <sstream>

namespace pausa::cli {
namespace {

namespace po = boost::program_options;

po::options_description describe(std::span<const Option> table) {
  po::options_description description;
  for (const auto& option : table) {
    if (option.value != nullptr)
      description.add_options()(option.names,
                                po::value<std::vector<std::string>>()->value_name(option.value),
                                option.help);
    else
      description.add_options()(option.names, option.help);
  }
  return description;
}

// Whether this word is an option that takes the next word as its value.
bool takes_next(std::span<const Option> table, const std::string& word) {
  if (word.size() < 2 || word[0] != '-') return false;
  for (const auto& option : table) {
    if (option.value == nullptr) continue;
    const std::string names = option.names;
    const auto comma = names.find(',');
    if (word == "--" + names.substr(0, comma)) return true;
    // "-it" and "-itc": the last letter of a bundle may want a value.
    if (comma != std::string::npos && word[1] != '-' && word.back() == names[comma + 1])
      return word.size() == 2 || word.find(names[comma + 1]) == word.size() - 1;
  }
  return false;
}

}  // namespace

Options::Options(std::span<const Option> table, const Arguments& arguments,
                 std::optional<std::size_t> stop_at) {
  // What follows the last word that we understand is handed on untouched.
  Arguments ours = arguments;
  Arguments rest;
  if (stop_at) {
    std::size_t positional = 0;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      const bool dashes = arguments[i] == "--";
      if (!dashes && arguments[i].size() > 1 && arguments[i][0] == '-') {
        if (takes_next(table, arguments[i])) ++i;
        continue;
      }
      if (!dashes && ++positional < *stop_at) continue;
      const auto cut = static_cast<std::ptrdiff_t>(dashes ? i : i + 1);
      ours.assign(arguments.begin(), arguments.begin() + cut);
      rest.assign(arguments.begin() + cut, arguments.end());
      if (!rest.empty() && rest.front() == "--") rest.erase(rest.begin());
      break;
    }
  }
  try {
    auto description = describe(table);
    po::options_description hidden;
    hidden.add_options()("words", po::value<std::vector<std::string>>());
    po::positional_options_description positional;
    positional.add("words", -1);
    po::options_description every;
    every.add(description).add(hidden);
    using Style = po::command_line_style::style_t;
    constexpr int style = Style::default_style & ~Style::allow_guessing;
    const auto parsed =
        po::command_line_parser(ours).options(every).positional(positional).style(style).run();
    for (const auto& option : parsed.options) {
      if (option.string_key == "words") {
        words_.insert(words_.end(), option.value.begin(), option.value.end());
        continue;
      }
      auto& values = values_[option.string_key];
      values.insert(values.end(), option.value.begin(), option.value.end());
    }
  } catch (const po::error& wrong) {
    throw UsageError(wrong.what());
  }
  words_.insert(words_.end(), rest.begin(), rest.end());
}

std::optional<std::string> Options::get(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end() || found->second.empty()) return std::nullopt;
  return found->second.back();
}

std::vector<std::string> Options::all(const std::string& name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

std::string options_help(std::span<const Option> table) {
  std::vector<std::string> heads;
  std::size_t column = 0;
  for (const auto& option : table) {
    const std::string names = option.names;
    const auto comma = names.find(',');
    std::string head = "  ";
    head += comma == std::string::npos ? "    " : "-" + names.substr(comma + 1) + ", ";
    head += "--" + names.substr(0, comma);
    if (option.value != nullptr) head += std::string(" ") + option.value;
    column = std::max(column, head.size() + 2);
    heads.push_back(std::move(head));
  }
  constexpr std::size_t width = 80;
  std::string text;
  for (std::size_t i = 0; i < table.size(); ++i) {
    std::string line = heads[i];
    line.resize(column, ' ');
    std::size_t room = width - column;
    std::istringstream words(table[i].help);
    for (std::string word; words >> word; room -= std::min(room, word.size() + 1)) {
      if (word.size() > room) {
        while (line.back() == ' ') line.pop_back();
        line += "\n" + std::string(column, ' ');
        room = width - column;
      }
      line += word + " ";
    }
    while (line.back() == ' ') line.pop_back();
    text += line + "\n";
  }
  return text;
}

std::chrono::nanoseconds parse_duration(const std::string& text, const char* option) {
  if (!text.empty() && text.find_first_not_of("0123456789") == std::string::npos &&
      text.size() < 10)
    return std::chrono::seconds(std::stol(text));
  const auto duration = pod::parse_duration(text);
  if (!duration || duration->count() < 0)
    throw UsageError(std::string(option) + ": \"" + text +
                     "\" is no duration; write 90s, 1m30s or 500ms");
  return *duration;
}

}  // namespace pausa::cli
