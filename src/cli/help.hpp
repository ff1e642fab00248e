// The table of verbs as text: help, manual pages, and what the shell may complete. Pure.
#pragma once

#include "cli/command.hpp"

#include <string>
#include <vector>

namespace pausa::cli {

std::string help_text(std::span<const Command> commands);
std::string help_text(const Command& command);

// "unknown command", with the verb that was most likely meant.
std::string unknown_command(const std::string& word, std::span<const Command> commands);

// pausa(1), and pausa-VERB(1), as roff.
std::string manual_page(std::span<const Command> commands);
std::string manual_page(const Command& command);

// The long options of a verb, "--" included; short ones with `letters`.
std::vector<std::string> option_names(const Command& command, bool letters);
// Whether this option ("--output", "-o") wants a value.
bool wants_value(const Command& command, const std::string& option);

}  // namespace pausa::cli
