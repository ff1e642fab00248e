// Jobs and CronJobs on the disk: ROOT/jobs/NAMESPACE_NAME/job.json holds a Job's object and how far
// it has come, for its owner only; who keeps the Job going holds the lock beside it. A CronJob is
// ROOT/objects/NAMESPACE/cronjob/NAME.json.
#pragma once

#include "pod/job.hpp"
#include "state/paths.hpp"
#include "sys/fd.hpp"

#include <optional>
#include <string>
#include <vector>

namespace pausa::state {

struct Job {
  PodKey key;
  std::string uid;   // of this run: a Job that is run again has another one
  pod::Node object;  // with absolute paths
  pod::JobState state;
  std::string failure;  // why a pod could not be set up, the last time; may be empty
  std::int64_t created_ns = 0;
  std::int64_t backoff_initial_ns = 0;
  std::int64_t backoff_maximum_ns = 0;
  bool exact_probes = false;
  std::string network;  // of its pods, as up was told; empty: the usual one
};

class JobStore {
 public:
  explicit JobStore(const Paths& paths) : root_(paths.jobs()), objects_(paths.objects()) {}

  // Throws sys::Error when it is damaged.
  std::optional<Job> read(const PodKey& key) const;
  void write(const Job& job) const;
  // With its lock. Whether it was there.
  bool remove(const PodKey& key) const;
  // Sorted. Costs one system call where there never was any.
  std::vector<PodKey> list() const;
  std::string folder(const PodKey& key) const { return root_ + "/" + key.folder(); }

  // The right to keep a Job going: of this process alone, never of its children, and free with its
  // death (a lock of fcntl_locking(2)'s older kind). nullopt: another process has it.
  std::optional<sys::UniqueFd> lock(const PodKey& key) const;
  // Who has it; 0: nobody.
  pid_t holder(const PodKey& key) const;

  std::optional<pod::Node> read_cron_job(const PodKey& key) const;
  // Whether it was changed by that.
  bool write_cron_job(const PodKey& key, const pod::Node& object) const;
  bool remove_cron_job(const PodKey& key) const;
  std::vector<PodKey> list_cron_jobs() const;

 private:
  std::string cron_folder(const PodKey& key) const;

  std::string root_, objects_;
};

}  // namespace pausa::state
