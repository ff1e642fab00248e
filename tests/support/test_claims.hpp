// What the tests say they prove: lines `Fields: TYPE.FIELD …` in a comment of a case
// (tests/integration/cases), of a script (tests/integration) or of a unit test.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace pausa::test {

struct Claim {
  std::string name;  // "cases/env", as ctest knows it less "integration/", or "unit/pod"
  std::string path;  // from the root of the source
};
using Claims = std::map<std::string, std::vector<Claim>, std::less<>>;  // by "Type.field"

inline Claim claim_of(const std::filesystem::path& file) {  // from the root of the source
  const std::string folder = file.parent_path().string();
  if (file.extension() == ".yaml") return {folder.substr(sizeof "tests/integration"), folder};
  if (file.extension() == ".sh") return {file.stem().string(), file.string()};
  return {folder.substr(sizeof "tests"), file.string()};
}

inline void read_claims(const std::filesystem::path& root, const std::filesystem::path& file,
                        Claims& claims) {
  const Claim claim = claim_of(file);
  std::ifstream in(root / file);
  for (std::string line; std::getline(in, line);) {
    const std::size_t start = line.find_first_not_of(' ');
    if (start == std::string::npos) continue;
    std::istringstream words(line.substr(start));
    std::string word;
    words >> word;
    if (word != "#" && word != "//") continue;
    if (!(words >> word) || word != "Fields:") continue;
    while (words >> word) {
      auto& known = claims[word];
      if (std::none_of(known.begin(), known.end(),
                       [&](const Claim& other) { return other.name == claim.name; }))
        known.push_back(claim);
    }
  }
}

inline Claims read_claims(const std::filesystem::path& root) {
  std::vector<std::filesystem::path> files;
  for (const char* folder : {"tests/integration", "tests/unit"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
      const auto extension = entry.path().extension();
      if (extension == ".yaml" || extension == ".sh" || extension == ".cpp")
        files.push_back(entry.path().lexically_relative(root));
    }
  }
  std::sort(files.begin(), files.end());
  Claims claims;
  for (const auto& file : files) read_claims(root, file, claims);
  return claims;
}

}  // namespace pausa::test
