#include "cli/commands/commands.hpp"
#include "cli/pod_words.hpp"
#include "cli/remove_pod.hpp"
#include "sys/error.hpp"
#include "sys/process.hpp"

#include <iostream>

namespace pausa::cli {
namespace {

constexpr Option table[]{{"all,a", nullptr, "every pod (that has ended, without --force)"},
                         {"force,f", nullptr, "also pods that run: they are stopped first"},
                         {"timeout,t", "TIME", "grace period, instead of the manifest's"},
                         {"namespace,n", "NAME", "the pods' namespace"}};

bool runs(const state::Store& store, const state::PodKey& key) {
  const auto record = store.read(key);
  return record && !record->state.finished && record->boot_id == sys::boot_id();
}

}  // namespace

std::string rm_options() {
  return options_help(table);
}

int run_rm(const Arguments& arguments) {
  const Options options(table, arguments);
  const state::Store store(state::Paths::from_environment());
  auto keys = pods_from(options, store, "rm");
  const int absent = drop_absent(store, keys);
  int refused = exit_ok;
  if (!options.has("force"))
    std::erase_if(keys, [&](const state::PodKey& key) {
      try {
        if (!runs(store, key)) return false;
        if (options.has("all")) return true;
      } catch (const sys::Error& damaged) {
        std::cerr << "pausa: " << damaged.what() << "\n";
        refused = exit_failed;
        return true;
      }
      std::cerr << "pausa: pod " << key.name << " runs; stop it first, or use rm --force\n";
      refused = exit_failed;
      return true;
    });
  else
    std::erase_if(keys, [&](const state::PodKey& key) {
      try {
        if (!end_damaged(store, key)) return false;
        std::cout << "pod/" << key.name << std::endl;
      } catch (const sys::Error& error) {
        std::cerr << "pausa: " << error.what() << "\n";
        refused = exit_failed;
      }
      return true;
    });
  const int code = end_pods(store, keys, true, grace_from(options));
  if (code != exit_ok) return code;
  return refused != exit_ok ? refused : absent;
}

}  // namespace pausa::cli
