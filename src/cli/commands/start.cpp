#include "cli/commands/commands.hpp"
#include "cli/objects.hpp"
#include "cli/pod_words.hpp"
#include "cli/start_pod.hpp"
#include "sys/error.hpp"

#include <iostream>

namespace pausa::cli {
namespace {

constexpr Option table[]{{"all,a", nullptr, "every pod"},
                         {"explain", nullptr, "print every step of the start"},
                         {"namespace,n", "NAME", "the pods' namespace"}};

}  // namespace

int start_pods_again(const state::Store& store, const std::vector<state::PodKey>& keys,
                     bool explain) {
  int code = exit_ok;
  const auto complain = [&](const state::PodKey& key, const std::string& why) {
    std::cerr << "pausa: pod " << key.name << ": " << why << "\n";
    code = exit_failed;
  };
  std::vector<StartingPod> starting;
  for (const auto& key : keys) {
    try {
      starting.push_back(start_again(store, key, explain));
    } catch (const NoSuchObject& gone) {
      std::cerr << "pausa: " << gone.what() << "\n";
      if (code == exit_ok) code = exit_no_such_object;
    } catch (const sys::Error& error) {
      complain(key, error.what());
    }
  }
  for (const auto& pod : starting) {
    const auto result = await_start(store, pod, std::nullopt);
    if (result.kind != StartResult::Kind::running)
      complain(pod.key, result.why);
    else
      std::cout << "pod/" << pod.key.name << "\n";
  }
  const int synced = sync_rules(store);  // after a reboot nobody else does
  return code != exit_ok ? code : synced;
}

std::string start_options() {
  return options_help(table);
}

int run_start(const Arguments& arguments) {
  const Options options(table, arguments);
  const state::Store store(state::Paths::from_environment());
  auto keys = pods_from(options, store, "start");
  const int absent = drop_absent(store, keys);
  store.prepare();
  const int code = start_pods_again(store, keys, options.has("explain"));
  return code != exit_ok ? code : absent;
}

}  // namespace pausa::cli
