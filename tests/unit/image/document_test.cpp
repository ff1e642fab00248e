#include "image/document.hpp"

#include "sys/error.hpp"

#include <doctest/doctest.h>

using namespace pausa;

namespace {

const std::string digest = "sha256:" + std::string(64, 'a');

std::string descriptor(const std::string& type, const std::string& of = digest,
                       const std::string& size = "7") {
  return R"({"mediaType":")" + type + R"(","digest":")" + of + R"(","size":)" + size + "}";
}

const std::string config_type = "application/vnd.oci.image.config.v1+json";
const std::string layer_type = "application/vnd.oci.image.layer.v1.tar+gzip";

std::string manifest(const std::string& config, const std::string& layers,
                     const std::string& more = "") {
  return R"({"schemaVersion":2,)" + more + R"("config":)" + config + R"(,"layers":[)" + layers +
         "]}";
}

std::string fault(auto&& call) {
  try {
    call();
  } catch (const sys::Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_SUITE("image/document") {
  TEST_CASE("each layer's maker is told, and steps without a layer are not counted") {
    CHECK(image::parse_layer_makers(
              R"({"history":[{"created_by":"a"},{"created_by":"b","empty_layer":true},{}]})") ==
          std::vector<std::string>{"a", ""});
    CHECK(image::parse_layer_makers("{}").empty());
    CHECK(image::parse_layer_makers(R"({"history":[1]})").empty());
  }

  TEST_CASE("a manifest is read, of OCI and of Docker") {
    const auto oci =
        image::parse_manifest(manifest(descriptor(config_type), descriptor(layer_type)));
    CHECK(oci.config.digest == digest);
    CHECK(oci.layers.at(0).size == 7);
    const auto docker = image::parse_manifest(
        manifest(descriptor("application/vnd.docker.container.image.v1+json"),
                 descriptor("application/vnd.docker.image.rootfs.diff.tar.gzip"),
                 R"("mediaType":"application/vnd.docker.distribution.manifest.v2+json",)"));
    CHECK(docker.layers.size() == 1);
  }

  TEST_CASE("what could be read in two ways, or is nothing we know, is refused") {
    const auto config = descriptor(config_type);
    const auto layer = descriptor(layer_type);
    CHECK(fault([&] {
            image::parse_manifest(manifest(config, layer, R"("manifests":[],)"));
          }).find("an index at the same time") != std::string::npos);
    for (const std::string& text :
         {std::string("[]"), std::string("{"), std::string("{}"),
          std::string(R"({"schemaVersion":1,"name":"x","fsLayers":[]})"),
          manifest(descriptor("text/plain"), layer), manifest(config, descriptor("text/plain")),
          manifest(config, layer, R"("mediaType":"text/plain",)"),
          manifest(config, descriptor(layer_type, "sha256:../../x")),
          manifest(config, descriptor(layer_type, "md5:" + std::string(32, 'a'))),
          manifest(config, descriptor(layer_type, digest, "-1")),
          manifest(config, descriptor(layer_type, digest, "\"7\""))})
      CHECK_MESSAGE(!fault([&] { image::parse_manifest(text); }).empty(), text);
    std::string many = layer;
    for (std::size_t i = 0; i < image::most_layers; ++i) many += "," + layer;
    CHECK(fault([&] { image::parse_manifest(manifest(config, many)); }).find("at most 500") !=
          std::string::npos);
    CHECK_FALSE(fault([] { image::parse_config(std::string(100'000, '[')); }).empty());
  }

  TEST_CASE("a config gives defaults, its labels and ports only to look at") {
    const auto read = image::parse_config(
        R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[")" + digest +
        R"("]},"config":{"User":"app","Env":["A=1"],"Entrypoint":["/e"],"Cmd":null,)"
        R"("WorkingDir":"/w","StopSignal":"SIGINT","ExposedPorts":{"80/tcp":{}},)"
        R"("Volumes":{"/data":{}},"Labels":{"k":"v"}}})");
    CHECK(read.diff_ids.size() == 1);
    CHECK(read.config.user == "app");
    CHECK(read.config.entrypoint == std::vector<std::string>{"/e"});
    CHECK(read.config.cmd.empty());
    CHECK(read.config.working_dir == "/w");
    CHECK(read.exposed_ports == std::vector<std::string>{"80/tcp"});
    CHECK(read.config.volumes == std::vector<std::string>{"/data"});
    CHECK(read.labels.at(0).second == "v");
  }

  TEST_CASE("a config that is wrong is refused") {
    const auto with = [](const std::string& config) {
      return fault(
          [&] { image::parse_config(R"({"rootfs":{"diff_ids":[]},"config":)" + config + "}"); });
    };
    CHECK(with(R"({"Env":["no equals sign"]})").find("not NAME=VALUE") != std::string::npos);
    CHECK_FALSE(with(R"({"Env":["=x"]})").empty());
    CHECK_FALSE(with(R"({"Env":"A=1"})").empty());
    CHECK_FALSE(with(R"({"Cmd":[1]})").empty());
    CHECK_FALSE(with(R"({"User":5})").empty());
    CHECK(with(R"({"WorkingDir":"here"})").find("not absolute") != std::string::npos);
    CHECK_FALSE(fault([] { image::parse_config("{}"); }).empty());
    CHECK_FALSE(fault([] { image::parse_config(R"({"rootfs":{"diff_ids":["x"]}})"); }).empty());
  }

  TEST_CASE("an index comes back from its text") {
    image::Descriptor entry{"application/vnd.oci.image.manifest.v1+json", digest, 12, "a/b:1"};
    const auto read = image::parse_index(image::index_text({entry}));
    REQUIRE(read.size() == 1);
    CHECK(read[0].name == "a/b:1");
    CHECK(read[0].size == 12);
    CHECK(image::parse_index(image::index_text({})).empty());
  }

  TEST_CASE("one entry is taken out of an index of ours, and only the one that is meant") {
    const auto named = [](const std::string& name) {
      return image::Descriptor{"application/vnd.oci.image.manifest.v1+json", digest, 12, name};
    };
    const std::string trap =
        R"(x","size":1,"annotations":{"org.opencontainers.image.ref.name":"a/b:1"}})";
    const auto text =
        image::index_text({named(""), named("a/b:10"), named(trap), named("a/b:1"), named("z:1")});
    for (const std::string name : {"a/b:1", "a/b:10", "z:1"}) {
      const auto entry = image::index_entry(text, name);
      REQUIRE(entry);
      const auto read = image::parse_index(*entry);
      REQUIRE(read.size() == 1);
      CHECK(read[0].name == name);
    }
    CHECK(image::index_entry(text, "b:1") == "");
    CHECK(image::index_entry(image::index_text({}), "a/b:1") == "");
    // Not for names that JSON writes otherwise, nor for texts of others.
    CHECK_FALSE(image::index_entry(text, trap));
    CHECK_FALSE(image::index_entry(" " + text, "a/b:1"));
  }
}
