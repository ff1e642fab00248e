// Any text may be an image's index, manifest or config (by its first byte): it is understood, or
// refused with a sentence.
#include "image/document.hpp"
#include "image/reference.hpp"
#include "sys/error.hpp"

#include <cstdint>
#include <cstdlib>

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pausa;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto require_digest = [](const std::string& digest) {
    if (!image::is_digest(digest)) std::abort();  // paths are made of them
  };
  try {
    if (*data % 3 == 0) {
      const auto index = image::parse_index(text);
      for (const auto& descriptor : index) require_digest(descriptor.digest);
      // What we write, we read back.
      if (image::parse_index(image::index_text(index)).size() != index.size()) std::abort();
    } else if (*data % 3 == 1) {
      const auto manifest = image::parse_manifest(text);
      require_digest(manifest.config.digest);
      for (const auto& layer : manifest.layers) require_digest(layer.digest);
    } else {
      const auto document = image::parse_config(text);
      for (const auto& digest : document.diff_ids) require_digest(digest);
      if (!document.config.working_dir.starts_with('/')) std::abort();
    }
  } catch (const sys::Error& error) {
    if (*error.what() == '\0') std::abort();
  }
  return 0;
}
