// Every file of manifests/bad names in its first line the diagnostic that it must get.
#include "manifest/load.hpp"
#include "manifest/render.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

using namespace pausa;

TEST_SUITE("manifest/unit") {
  TEST_CASE("each bad manifest gets the diagnostic that its first line announces") {
    const std::string folder = PAUSA_SOURCE_DIR "/manifests/bad";
    static const std::string announcement = "# expect: ";
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().extension() != ".yaml") continue;
      ++count;
      const std::string name = entry.path().filename();
      CAPTURE(name);
      const manifest::LoadResult result = manifest::load_paths({entry.path()});
      REQUIRE(result.sources.size() == 1);
      const std::string& text = result.sources[0].text;
      REQUIRE(text.starts_with(announcement));
      const std::string wanted =
          text.substr(announcement.size(), text.find('\n') - announcement.size());
      CHECK(wanted.find("error: ") != std::string::npos);
      CHECK(pod::has_errors(result.diagnostics));
      CHECK(result.pods.empty());
      const std::string rendered =
          manifest::render_all(result.diagnostics, result.sources, false, "nothing was started");
      CAPTURE(rendered);
      CHECK(rendered.find(name + ":" + wanted) != std::string::npos);
      // Whatever a manifest holds, the terminal gets text.
      CHECK(std::none_of(rendered.begin(), rendered.end(), [](char c) {
        return (static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == '\x7f';
      }));
    }
    CHECK(count >= 60);
  }

  TEST_CASE("the example manifests are free of errors") {
    const std::string folder = PAUSA_SOURCE_DIR "/manifests";
    const manifest::LoadResult result = manifest::load_paths({folder});
    CAPTURE(manifest::render_all(result.diagnostics, result.sources, false, ""));
    CHECK_FALSE(pod::has_errors(result.diagnostics));
    CHECK(result.pods.size() >= result.sources.size());
    CHECK(result.sources.size() >= 9);
  }
}
