// The JSON documents of an image, read strictly: what is not understood is refused, what an image
// may not decide is not read at all. Sources: the OCI image specification 1.1 and Docker's image
// manifest version 2, schema 2. Pure. Every error is a sys::Error that says what is wrong.
#pragma once

#include "image/image.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pausa::image {

inline constexpr std::size_t most_document_bytes = std::size_t{4} << 20U;
// More than any kernel stacks in one overlay.
inline constexpr std::size_t most_layers = 500;

struct Descriptor {
  std::string media_type;
  std::string digest;  // well-formed
  std::uint64_t size = 0;
  std::string name;  // org.opencontainers.image.ref.name; of an index alone
};

// index.json of an OCI image layout.
std::vector<Descriptor> parse_index(std::string_view json);
std::string index_text(const std::vector<Descriptor>& manifests);
// Of a text as index_text() makes it: an index with the one entry of this name, empty when there is
// none. nullopt: it is of somebody else's making, or the name is no plain text.
std::optional<std::string> index_entry(std::string_view index, std::string_view name);

struct Manifest {
  Descriptor config;
  std::vector<Descriptor> layers;  // the lowest first
};
Manifest parse_manifest(std::string_view json);

struct ConfigDocument {
  ImageConfig config;
  std::vector<std::string> diff_ids;  // the lowest first
  std::string architecture;
  std::string os;
  std::string created;
  std::vector<std::string> exposed_ports;
  std::vector<std::pair<std::string, std::string>> labels;
};
ConfigDocument parse_config(std::string_view json);
// "created_by" of each entry of the config's history that made a layer, at most 200 bytes of it.
std::vector<std::string> parse_layer_makers(std::string_view json);

}  // namespace pausa::image
