#include "rootfs/layout.hpp"

#include <linux/mount.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <string_view>
#include <vector>

using namespace pausa::rootfs;

namespace {

constexpr int users = 40;
constexpr int source = 41;
constexpr int device = 42;

Request request() {
  Request tree;
  tree.lower = {"/top", "/bottom"};
  tree.upper = "/pod/upper";
  tree.work = "/pod/work";
  tree.tty_gid = 5;
  tree.user_namespace = true;
  tree.host_devices = {{"null", device}};
  Bind bind;
  bind.target = "/data";
  bind.what = "volume data";
  bind.fd = source;
  tree.binds.push_back(bind);
  bind.target = "/dev/sda";
  bind.devices = true;
  tree.binds.push_back(bind);
  return tree;
}

Request mapped_request() {
  Request tree = request();
  tree.id_map = users;
  tree.mapped = "/pod";
  return tree;
}

std::vector<MountStep> of(const std::vector<MountStep>& steps, MountOp op) {
  std::vector<MountStep> found;
  std::copy_if(steps.begin(), steps.end(), std::back_inserter(found),
               [&](const MountStep& step) { return step.op == op; });
  return found;
}

std::ptrdiff_t place(const std::vector<MountStep>& steps, MountOp op) {
  const auto found = std::find_if(steps.begin(), steps.end(),
                                  [&](const MountStep& step) { return step.op == op; });
  return found == steps.end() ? -1 : found - steps.begin();
}

const MountStep* filesystem(const std::vector<MountStep>& steps, std::string_view type) {
  for (const auto& step : steps)
    if (step.op == MountOp::filesystem && step.text == type) return &step;
  return nullptr;
}

std::string_view option(const MountStep& step, std::string_view key) {
  for (const char* const* at = step.options; *at != nullptr; at += 2)
    if (*at == key) return at[1] == nullptr ? "set" : at[1];
  return "absent";
}

}  // namespace

TEST_SUITE("rootfs/user-namespace") {
  TEST_CASE("in a user namespace devices are bound, since nobody there may make any") {
    const Layout layout(request());
    CHECK(of(layout.prepare(), MountOp::node).empty());
    const auto bound = of(layout.finish(), MountOp::bind_device);
    REQUIRE(bound.size() == 1);
    CHECK(bound.front().fd == device);
  }

  TEST_CASE("an overlay that was made without root keeps its notes in user attributes") {
    const Layout own(request());
    REQUIRE(of(own.prepare(), MountOp::overlay).size() == 1);
    CHECK(option(of(own.prepare(), MountOp::overlay).front(), "userxattr") == "set");
    const Layout mapped(mapped_request());
    REQUIRE(of(mapped.prepare(), MountOp::overlay).size() == 1);
    CHECK(option(of(mapped.prepare(), MountOp::overlay).front(), "userxattr") == "absent");
  }

  TEST_CASE("with a map of ids each layer comes through it, the topmost first") {
    const Layout layout(mapped_request());
    const auto layers = of(layout.prepare(), MountOp::mapped_tree);
    REQUIRE(layers.size() == 2);
    CHECK(layers[0].text == std::string_view("/top"));
    CHECK(layers[0].path == std::string_view("/pod/lower0"));
    CHECK(layers[1].text == std::string_view("/bottom"));
    CHECK(layers[0].id_map == users);
    const auto overlay = of(layout.prepare(), MountOp::overlay).front();
    CHECK(overlay.layers[0] == std::string_view("/pod/lower0"));
    CHECK(overlay.layers[1] == std::string_view("/pod/lower1"));
    CHECK(overlay.layers[2] == nullptr);
    CHECK(option(overlay, "upperdir") == "/pod/upper");
  }

  TEST_CASE("what is bound is copied before its mount namespace is left") {
    const Layout layout(mapped_request());
    const auto leave = place(layout.prepare(), MountOp::own_table);
    REQUIRE(leave >= 0);
    CHECK(place(layout.prepare(), MountOp::mapped_tree) > leave);
    const auto& steps = layout.prepare();
    CHECK(of({steps.begin() + leave, steps.end()}, MountOp::bind).empty());
  }

  TEST_CASE("volumes come through the map, devices do not") {
    const Layout layout(mapped_request());
    const auto binds = of(layout.prepare(), MountOp::bind);
    REQUIRE(binds.size() == 2);
    CHECK(binds[0].id_map == users);
    CHECK(binds[1].id_map == -1);
    const Layout plain(request());
    for (const auto& bind : of(plain.prepare(), MountOp::bind)) CHECK(bind.id_map == -1);
  }

  TEST_CASE("a bind of several directories is stacked from where their ids are mapped") {
    Request tree = mapped_request();
    Bind bind;
    bind.target = "/image";
    bind.what = "volume image";
    bind.layers = {"/upper", "/lower"};
    bind.part = "data";
    bind.mapped = "/pod/volume2.";
    tree.binds.push_back(bind);
    const Layout layout(tree);
    const auto overlays = of(layout.prepare(), MountOp::overlay);
    REQUIRE(overlays.size() == 2);
    CHECK(std::string_view(overlays[1].layers[0]) == "/pod/volume2.0");
    CHECK(std::string_view(overlays[1].layers[1]) == "/pod/volume2.1");
    CHECK(overlays[1].layers[2] == nullptr);
    CHECK((overlays[1].attributes & MOUNT_ATTR_RDONLY) != 0);
    // The part is taken while the place of the root is free, and mounted like any other volume.
    CHECK(layout.attach().front().op == MountOp::part);
    CHECK(layout.attach().front().slot == overlays[1].slot);
    CHECK(layout.attach()[1].op == MountOp::attach_root);
    const auto attached = of(layout.attach(), MountOp::attach);
    CHECK(std::string_view(attached.back().path) == "/image");
    CHECK(attached.back().slot == overlays[1].slot);
    tree.id_map = -1;
    const Layout plain(tree);
    CHECK(std::string_view(of(plain.prepare(), MountOp::overlay)[1].layers[0]) == "/upper");
  }

  TEST_CASE("what need not see the host is made by root of the pod's user namespace") {
    const Layout layout(mapped_request());
    for (const char* type : {"tmpfs", "devpts", "mqueue"}) {
      CHECK(filesystem(layout.prepare(), type) == nullptr);
      CHECK(filesystem(layout.attach(), type) != nullptr);
    }
    CHECK(filesystem(layout.prepare(), "sysfs") != nullptr);
    CHECK(place(layout.attach(), MountOp::attach_root) == 0);
    // As it is called in there, whatever the host's number is.
    CHECK(option(*filesystem(layout.attach(), "devpts"), "gid") == "5");
  }

  TEST_CASE("every step has a shell command that does the same") {
    const Layout layout(mapped_request());
    for (const auto* steps : {&layout.prepare(), &layout.attach(), &layout.finish()})
      for (const auto& step : *steps) CHECK(!shell_equivalent(step).empty());
    CHECK(shell_equivalent(of(layout.prepare(), MountOp::mapped_tree).front()) ==
          "mount --bind -o X-mount.idmap=/proc/$INFRA/ns/user '/top' '/pod/lower0'");
  }
}
