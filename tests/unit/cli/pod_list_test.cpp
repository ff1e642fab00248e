#include "cli/pod_list.hpp"

#include "cli/inspect_object.hpp"
#include "support/temp_tree.hpp"
#include "sys/process.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace pausa;
using Stage = pod::ContainerState::Stage;

namespace {

// One that runs, under the supervision of this very process.
state::Record record(const std::string& name, std::size_t inits, std::size_t members) {
  state::Record record;
  record.key.name = name;
  record.uid = "uid-of-" + name;
  record.boot_id = sys::boot_id();
  record.supervisor = sys::self_id();
  record.state.phase = pod::Phase::running;
  record.state.sandbox = true;
  for (std::size_t i = 0; i < inits + members; ++i) {
    state::ContainerRecord container;
    container.name = "c" + std::to_string(i);
    container.init = i < inits;
    record.containers.push_back(container);
    pod::ContainerState state;
    state.launches = 1;
    state.stage = container.init ? Stage::terminated : Stage::running;
    if (container.init) state.terminated = pod::Termination{0, 0, "Completed", {}, {}, {}};
    state.up = state.ready = !container.init;
    record.state.containers.push_back(state);
  }
  return record;
}

}  // namespace

TEST_SUITE("cli/unit") {
  TEST_CASE("an entry counts members, not init containers") {
    const auto entry = cli::entry_of(record("shop", 1, 2));
    CHECK(entry.ready == 2);
    CHECK(entry.containers == 2);
    CHECK(entry.status == "Running");
    CHECK_FALSE(entry.ended);
  }

  TEST_CASE("a pod that was stopped is told apart from one that failed") {
    auto stopped = record("shop", 0, 1);
    stopped.state.finished = true;
    stopped.state.containers[0].stage = Stage::terminated;
    stopped.state.containers[0].terminated = pod::Termination{143, 15, "Error", {}, {}, {}};
    CHECK(cli::entry_of(stopped).status == "Error");
    stopped.desired = state::Desired::stopped;
    CHECK(cli::entry_of(stopped).status == "Stopped");
    CHECK(cli::entry_of(stopped).ended);
  }

  TEST_CASE("nothing of an earlier boot runs any more") {
    auto old = record("shop", 1, 2);
    old.supervisor = {};
    CHECK(cli::as_of_now(old).state.finished == false);
    old.boot_id = "another";
    old.infra = sys::self_id();
    const auto now = cli::as_of_now(old);
    CHECK(now.state.finished);
    CHECK_FALSE(now.infra);
    CHECK(now.state.phase == pod::Phase::failed);
    CHECK(now.state.containers[0].terminated->exit_code == 0);
    CHECK(now.state.containers[1].terminated->reason == "ContainerStatusUnknown");
    CHECK(cli::entry_of(now).status == "Stopped");
    // A supervisor that lives knows better than a boot id.
    old.supervisor = sys::self_id();
    CHECK_FALSE(cli::as_of_now(old).state.finished);
  }

  TEST_CASE("pods are listed by name, those that ended and those without a record on request") {
    const test::TempTree tree;
    const state::Store store({tree.path() + "/root", tree.path() + "/run"});
    store.prepare();
    auto done = record("done", 0, 1);
    done.state.finished = true;
    for (const auto& one : {record("web", 0, 1), done, record("api", 0, 1)}) {
      (void)store.lock(one.key, std::chrono::milliseconds(0));
      store.write(one);
    }
    store.write_manifest({"default", "asleep"},
                         R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"asleep"},)"
                         R"("spec":{"containers":[{"name":"a","image":"busybox"}]}})");
    const auto names = [&store](bool ended) {
      std::vector<std::string> troubles;
      std::string all;
      for (const auto& entry : cli::list_pods(store, ended, troubles)) all += entry.key.name + " ";
      CHECK(troubles.empty());
      return all;
    };
    CHECK(names(false) == "api web ");
    CHECK(names(true) == "api asleep done web ");

    const auto asleep = cli::inspect_without_record(store, {"default", "asleep"});
    CHECK(asleep.find("status")->find("phase")->text == "Unknown");
    CHECK(asleep.find("pausa")->find("infra")->find("pid")->is_null());
  }

  TEST_CASE("the object joins what the manifest says with what runs") {
    const test::TempTree tree;
    const state::Store store({tree.path() + "/root", tree.path() + "/run"});
    store.prepare();
    auto shop = record("shop", 0, 1);
    shop.containers[0].process = sys::self_id();
    shop.cgroup = "pausa/x";
    store.write_manifest(shop.key, R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"shop"},)"
                                   R"("spec":{"containers":[{"name":"c0","image":"busybox"}]}})");
    const auto object = cli::inspect_object(store, shop);
    const auto& member = *object.find("pausa")->find("containers")->find("c0");
    CHECK(member.find("pid")->integer == ::getpid());
    CHECK(member.find("cgroup")->text == "pausa/x/c0");
    CHECK(member.find("log")->text == tree.path() + "/root/pods/default_shop/logs/c0/0");
    const auto own = sys::namespace_inodes(::getpid());
    CHECK(member.find("namespaces")->find("mnt")->integer == static_cast<std::int64_t>(own[0]));
    CHECK(object.find("pausa")->find("guard")->find("pid")->is_null());
    CHECK(object.find("status")->find("phase")->text == "Running");

    shop.state.containers.emplace_back();
    CHECK_THROWS(cli::inspect_object(store, shop));  // the record does not fit the manifest
  }
}
