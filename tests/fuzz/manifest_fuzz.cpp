// Any bytes may be handed to the reader: it answers with pods or with diagnostics that can be
// printed, never with a crash, an exception or a loop.
#include "manifest/load.hpp"
#include "manifest/render.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pausa;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const manifest::LoadResult result = manifest::load({{"fuzz.yaml", text, "/"}});
  (void)manifest::render_all(result.diagnostics, result.sources, true, "nothing was started");
  if (result.pods.empty() && result.diagnostics.empty()) std::abort();  // silence is no answer
  for (const manifest::LoadedPod& pod : result.pods) {
    // What we print, we read back as the same tree.
    for (const std::string& printed : {pod::to_json(pod.object), pod::to_yaml(pod.object)}) {
      const manifest::ReadResult again = manifest::read({{"again", printed, "/"}});
      if (again.documents.size() != 1 || !(again.documents[0].root == pod.object)) std::abort();
    }
  }
  return 0;
}
