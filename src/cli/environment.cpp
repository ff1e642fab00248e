#include "cli/environment.hpp"

#include <cstdlib>

namespace pausa::cli {

std::vector<std::string> environment_from(const Options& options) {
  std::vector<std::string> variables;
  for (auto& pair : options.all("env")) {
    if (pair.empty() || pair.front() == '=')
      throw UsageError("--env: \"" + pair + "\" names no variable; write NAME=VALUE");
    if (pair.find('=') == std::string::npos) {
      const char* ours = ::getenv(pair.c_str());
      if (ours == nullptr) continue;
      pair += "=" + std::string(ours);
    }
    variables.push_back(pair);
  }
  return variables;
}

}  // namespace pausa::cli
