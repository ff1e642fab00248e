#include "manifest/wording.hpp"

namespace pausa::manifest {

namespace {

struct Sentence {
  std::string_view theirs;  // how it begins
  std::string_view ours;
  std::string_view hint;
};

constexpr Sentence sentences[] = {
    {"illegal map value", "a \": \" is not expected here",
     "quote a text that holds \": \", and check the indentation"},
    {"illegal block entry", "a \"- \" is not expected here", "check the indentation"},
    {"illegal map key", "a \"? \" is not expected here", ""},
    {"illegal flow end", "a closing bracket without an opening one", ""},
    {"end of map not found", "the mapping does not go on here as it began",
     "check the indentation and the \":\""},
    {"end of sequence not found", "the list does not go on here as it began",
     "check the indentation and the \"- \""},
    {"end of map flow not found", "a \",\" or \"}\" is missing here", ""},
    {"end of sequence flow not found", "a \",\" or \"]\" is missing here", ""},
    {"the referenced anchor is not defined",
     "the alias names an anchor that is not defined above it", ""},
    {"bad file", "the text cannot be read as YAML", ""},
};

}  // namespace

Wording reword(std::string_view message) {
  for (const Sentence& sentence : sentences) {
    if (message.starts_with(sentence.theirs)) {
      return {std::string(sentence.ours), std::string(sentence.hint)};
    }
  }
  return {std::string(message), {}};
}

}  // namespace pausa::manifest
