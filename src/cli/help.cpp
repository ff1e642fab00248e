#include "cli/help.hpp"

#include "pod/suggest.hpp"

#include <algorithm>
#include <sstream>

namespace pausa::cli {
namespace {

struct OptionLine {
  std::string head;  // "-d, --detach" or "--timeout TIME"
  std::string help;
};

// The lines of an options' table, taken apart where two blanks or more stand.
std::vector<OptionLine> option_lines(const Command& command) {
  std::vector<OptionLine> lines;
  if (command.options == nullptr) return lines;
  std::istringstream text(command.options());
  for (std::string line; std::getline(text, line);) {
    const auto begin = line.find_first_not_of(' ');
    if (begin == std::string::npos) continue;
    constexpr std::size_t deepest = 6;  // of a name without a letter
    if (line[begin] != '-' || begin > deepest) {
      if (!lines.empty()) lines.back().help += " " + line.substr(begin);
      continue;
    }
    const auto gap = line.find("  ", begin);
    OptionLine option;
    option.head = line.substr(begin, gap - begin);
    const auto help = gap == std::string::npos ? gap : line.find_first_not_of(' ', gap);
    if (help != std::string::npos)
      option.help = line.substr(help);
    else if (const auto end = option.head.find_last_not_of(' '); end != std::string::npos)
      option.head.resize(end + 1);
    lines.push_back(std::move(option));
  }
  return lines;
}

std::vector<std::string> names_in(const std::string& head) {
  std::vector<std::string> names;
  std::istringstream words(head);
  for (std::string word; words >> word;) {
    if (word.ends_with(',')) word.pop_back();
    if (word.starts_with("-")) names.push_back(word);
  }
  return names;
}

// A word after the names is the value's.
bool has_value(const std::string& head) {
  std::istringstream words(head);
  bool value = false;
  for (std::string word; words >> word;) value = value || !word.starts_with("-");
  return value;
}

// Text for roff: no request at a line's begin, no escape.
std::string roff(std::string_view text) {
  std::string out;
  bool line_begin = true;
  for (const char c : text) {
    if (line_begin && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
    line_begin = c == '\n';
  }
  return out;
}

std::string title(std::string_view name, std::string_view summary) {
  std::string upper(name);
  for (char& c : upper)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return ".TH " + upper + " 1 \"\" pausa \"User Commands\"\n.SH NAME\n" + std::string(name) +
         " \\- " + roff(summary) + "\n";
}

std::string examples_roff(std::string_view examples) {
  if (examples.empty()) return {};
  return ".SH EXAMPLES\n.nf\n" + roff(examples) + "\n.fi\n";
}

constexpr std::string_view exit_codes =
    "0  done\n1  failed\n2  wrong use\n3  the manifest is invalid\n4  no such object\n"
    "124  timed out\n130  interrupted\n\n"
    "exec passes the code of the command that it ran; 125 means that pausa failed, 126 that the "
    "command\ncannot be executed, 127 that it was not found, and 128+N that signal N ended it.\n";

constexpr std::string_view environment =
    ".SH ENVIRONMENT\n"
    ".TP\nPAUSA_ROOT\nwhere manifests, volumes, logs and images lie (/var/lib/pausa; as a user "
    "$XDG_DATA_HOME/pausa)\n"
    ".TP\nPAUSA_RUNROOT\nwhere the state of running pods lies (/run/pausa; as a user "
    "$XDG_RUNTIME_DIR/pausa)\n"
    ".TP\nPAUSA_NAMESPACE\nthe namespace of pods that are named without one (default)\n"
    ".TP\nPAUSA_NETWORK\nthe network of pods whose up does not say: bridge, pasta or none "
    "(bridge for "
    "root with the\nsystem's own run folder, pasta for others who have it)\n"
    ".TP\nPAUSA_BRIDGE\nthe name of the bridge when it is made (pausa0)\n"
    ".TP\nPAUSA_SUBNET\nits IPv4 range (the first usual one that no route overlaps)\n"
    ".TP\nPAUSA_SERVICE_SUBNET\nthe range of Services when the first is made: of IPv4, of IPv6, or "
    "both with a comma (the first\nusual one that no route overlaps; of IPv6 one of chance)\n"
    ".TP\nNO_COLOR\nno colours\n";

}  // namespace

std::string help_text(std::span<const Command> commands) {
  std::string text =
      "pausa runs Kubernetes Pod YAML on this machine.\n\n"
      "  pausa up manifests/01-hello.yaml     # run a pod\n"
      "  pausa ps                             # see it\n"
      "  pausa down --all                     # remove it\n\nCommands:\n";
  constexpr std::size_t width = 12;
  for (const auto& command : commands) {
    if (command.hidden) continue;
    text += "  " + std::string(command.name);
    text.append(width - std::min(width - 1, command.name.size()), ' ');
    text += std::string(command.summary) + "\n";
  }
  return text + "\npausa COMMAND --help tells more about each.\n";
}

std::string help_text(const Command& command) {
  std::string text = "pausa " + std::string(command.name) + " " + std::string(command.synopsis) +
                     "\n    " + std::string(command.summary) + "\n\n";
  if (!command.examples.empty()) text += std::string(command.examples) + "\n\n";
  if (command.options != nullptr) text += command.options();
  return text;
}

std::string unknown_command(const std::string& word, std::span<const Command> commands) {
  std::vector<std::string_view> names;
  for (const auto& command : commands)
    if (!command.hidden) names.push_back(command.name);
  std::string sentence = "unknown command \"" + word + "\"";
  if (const auto near = pod::closest(word, names))
    sentence += "; did you mean \"" + std::string(*near) + "\"?";
  return sentence;
}

std::string manual_page(std::span<const Command> commands) {
  std::string page = title("pausa", "run Kubernetes Pod YAML on this machine");
  page +=
      ".SH SYNOPSIS\npausa COMMAND [OPTION...] [ARGUMENT...]\n.SH DESCRIPTION\n"
      "pausa runs the pods of Kubernetes manifests on one machine, without a daemon. A small "
      "infra\n"
      "process holds the namespaces of each pod; its containers are joined into them and talk "
      "over\n"
      "localhost. A supervisor for each pod restarts containers, keeps their logs and answers to\n"
      "the commands below.\n.SH COMMANDS\n";
  for (const auto& command : commands)
    if (!command.hidden)
      page += ".TP\n.B " + roff(command.name) + "\n" + roff(command.summary) + "; see pausa\\-" +
              roff(command.name) + "(1)\n";
  page += ".SH EXIT STATUS\n.nf\n" + roff(exit_codes) + ".fi\n" + std::string(environment);
  return page;
}

std::string manual_page(const Command& command) {
  const std::string name = "pausa-" + std::string(command.name);
  std::string page = title(name, command.summary);
  page += ".SH SYNOPSIS\npausa " + roff(command.name) + " " + roff(command.synopsis) + "\n";
  const auto options = option_lines(command);
  if (!options.empty()) page += ".SH OPTIONS\n";
  for (const auto& option : options)
    page += ".TP\n.B " + roff(option.head) + "\n" + roff(option.help) + "\n";
  page += examples_roff(command.examples);
  return page + ".SH SEE ALSO\npausa(1)\n";
}

std::vector<std::string> option_names(const Command& command, bool letters) {
  std::vector<std::string> names;
  for (const auto& line : option_lines(command))
    for (const auto& name : names_in(line.head))
      if (letters || name.starts_with("--")) names.push_back(name);
  names.emplace_back("--help");
  return names;
}

bool wants_value(const Command& command, const std::string& option) {
  for (const auto& line : option_lines(command)) {
    const auto names = names_in(line.head);
    if (std::find(names.begin(), names.end(), option) != names.end()) return has_value(line.head);
  }
  return false;
}

}  // namespace pausa::cli
