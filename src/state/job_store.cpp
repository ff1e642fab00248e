#include "state/job_store.hpp"

#include "state/json_node.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace pausa::state {
namespace {

using pod::Node;

constexpr std::size_t job_limit = 32U << 20U;

std::int64_t number_in(const Node& node, std::string_view key) {
  const Node* const value = node.find(key);
  return value ? value->integer : 0;
}

std::string text_in(const Node& node, std::string_view key) {
  const Node* const value = node.find(key);
  return value ? value->text : std::string();
}

struct flock whole_file(short type) {
  struct flock range {};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  return range;
}

}  // namespace

std::optional<Job> JobStore::read(const PodKey& key) const {
  const std::string path = folder(key) + "/job.json";
  const auto text = sys::read_file_at(AT_FDCWD, path, job_limit);
  if (!text) return std::nullopt;
  const auto node = node_from_json(*text);
  if (!node || !node->find("object") || !node->find("state"))
    throw sys::Error("job " + key.name + ": " + path + " is damaged; pausa down job/" + key.name +
                     " -n " + key.namespace_ + " removes it and its pods");
  Job job;
  job.key = key;
  job.uid = text_in(*node, "uid");
  job.object = *node->find("object");
  job.state = pod::job_state_from(*node->find("state"));
  job.failure = text_in(*node, "failure");
  job.created_ns = number_in(*node, "created");
  job.backoff_initial_ns = number_in(*node, "backoffInitial");
  job.backoff_maximum_ns = number_in(*node, "backoffMaximum");
  const Node* const exact = node->find("exactProbes");
  job.exact_probes = exact && exact->boolean;
  const Node* const network = node->find("network");
  if (network && network->is_string()) job.network = network->text;
  return job;
}

void JobStore::write(const Job& job) const {
  Node node = Node::make_map();
  node.set("uid", Node::make_string(job.uid));
  node.set("created", Node::make_integer(job.created_ns));
  node.set("backoffInitial", Node::make_integer(job.backoff_initial_ns));
  node.set("backoffMaximum", Node::make_integer(job.backoff_maximum_ns));
  node.set("exactProbes", Node::make_boolean(job.exact_probes));
  if (!job.network.empty()) node.set("network", Node::make_string(job.network));
  node.set("failure", Node::make_string(job.failure));
  node.set("state", pod::job_state_node(job.state));
  node.set("object", job.object);
  const sys::UniqueFd dir = sys::make_dirs_at(AT_FDCWD, folder(job.key), 0700);
  sys::replace_file_at(dir.get(), "job.json", pod::to_json(node) + "\n", 0600);
}

bool JobStore::remove(const PodKey& key) const {
  if (::access(folder(key).c_str(), F_OK) != 0) return false;
  sys::remove_tree_at(AT_FDCWD, folder(key));
  return true;
}

std::vector<PodKey> JobStore::list() const {
  std::vector<PodKey> keys;
  const sys::UniqueFd dir = sys::try_open_at(AT_FDCWD, root_, O_RDONLY | O_DIRECTORY);
  if (!dir) return keys;
  for (const auto& name : sys::list_dir(dir.get()))
    if (const auto split = name.find('_'); split != std::string::npos)
      keys.push_back({name.substr(0, split), name.substr(split + 1)});
  return keys;
}

std::optional<sys::UniqueFd> JobStore::lock(const PodKey& key) const {
  const sys::UniqueFd dir = sys::try_open_at(AT_FDCWD, folder(key), O_RDONLY | O_DIRECTORY);
  if (!dir) return std::nullopt;  // it was removed
  sys::UniqueFd fd = sys::open_at(dir.get(), "lock", O_RDWR | O_CREAT, 0600);
  struct flock range = whole_file(F_WRLCK);
  if (::fcntl(fd.get(), F_SETLK, &range) == 0) return fd;
  if (errno != EAGAIN && errno != EACCES) sys::check(-1, "lock job ", key.name);
  return std::nullopt;
}

pid_t JobStore::holder(const PodKey& key) const {
  const sys::UniqueFd fd = sys::try_open_at(AT_FDCWD, folder(key) + "/lock", O_RDWR);
  if (!fd) return 0;
  struct flock range = whole_file(F_WRLCK);
  sys::check(::fcntl(fd.get(), F_GETLK, &range), "ask for the lock of job ", key.name);
  return range.l_type == F_UNLCK ? 0 : range.l_pid;
}

std::string JobStore::cron_folder(const PodKey& key) const {
  return objects_ + "/" + key.namespace_ + "/cronjob";
}

std::optional<Node> JobStore::read_cron_job(const PodKey& key) const {
  const std::string path = cron_folder(key) + "/" + key.name + ".json";
  const auto text = sys::read_file_at(AT_FDCWD, path, job_limit);
  if (!text) return std::nullopt;
  auto node = node_from_json(*text);
  if (!node) throw sys::Error(path + " is damaged");
  return node;
}

bool JobStore::write_cron_job(const PodKey& key, const Node& object) const {
  const std::string text = pod::to_json(object, 2) + "\n";
  const std::string file = key.name + ".json";
  const sys::UniqueFd dir = sys::make_dirs_at(AT_FDCWD, cron_folder(key), 0700);
  if (sys::read_file_at(dir.get(), file, job_limit) == text) return false;
  sys::replace_file_at(dir.get(), file, text, 0600);
  return true;
}

bool JobStore::remove_cron_job(const PodKey& key) const {
  const std::string path = cron_folder(key) + "/" + key.name + ".json";
  if (::unlink(path.c_str()) == 0) return true;
  if (errno != ENOENT && errno != ENOTDIR) sys::check(-1, "remove ", path);
  return false;
}

std::vector<PodKey> JobStore::list_cron_jobs() const {
  constexpr std::string_view suffix = ".json";
  std::vector<PodKey> keys;
  const sys::UniqueFd root = sys::try_open_at(AT_FDCWD, objects_, O_RDONLY | O_DIRECTORY);
  if (!root) return keys;
  for (const auto& namespace_ : sys::list_dir(root.get())) {
    const sys::UniqueFd dir =
        sys::try_open_at(root.get(), namespace_ + "/cronjob", O_RDONLY | O_DIRECTORY);
    if (!dir) continue;
    for (const auto& file : sys::list_dir(dir.get()))
      if (file.ends_with(suffix) && !file.starts_with('.'))
        keys.push_back({namespace_, file.substr(0, file.size() - suffix.size())});
  }
  return keys;
}

}  // namespace pausa::state
