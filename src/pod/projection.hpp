// The files of a generated volume (configMap, secret, downwardAPI, projected), as data. Pure.
#pragma once

#include "pod/spec.hpp"
#include "pod/surroundings.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pausa::pod {

struct ProjectedFile {
  std::string path;  // relative, without ".."; "group/name" is a file in a directory
  std::string text;
  std::uint32_t mode = 0644;
};

struct ProjectedFiles {
  std::vector<ProjectedFile> files;  // sorted by path; a later source has replaced an earlier one
  std::optional<std::string> fault;  // "configmap \"c\" not found"
};

ProjectedFiles project(const Pod& pod, const Projected& volume, const Surroundings& surroundings);

}  // namespace pausa::pod
