// The name of an image as containers' tools read it: [REGISTRY[:PORT]/]PATH[:TAG][@DIGEST]
// (the distribution project's grammar). What stands before the first slash is a registry when it
// holds a dot or a colon, or is "localhost". Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace pausa::image {

struct Reference {
  std::string registry;    // empty: a short name
  std::string repository;  // "library/nginx"
  std::string tag;         // empty: none given
  std::string digest;      // "sha256:…", empty: none given

  // With the registry, and with the tag "latest" where neither tag nor digest is given.
  std::string full() const;
  // As full(), without tag and digest.
  std::string name() const;
};

// The reference, or what is wrong with it, as a sentence.
std::variant<Reference, std::string> parse_reference(std::string_view text);

// "sha256:" and 64 lower-case hexadecimal digits, or "sha512:" and 128.
bool is_digest(std::string_view text);

// An alias out of a registries.conf(5): the value of `"name" = "registry/path"` below [aliases].
std::optional<std::string> find_alias(std::string_view configuration, std::string_view name);

}  // namespace pausa::image
