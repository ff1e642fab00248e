#include "state/journal.hpp"

#include "state/object_store.hpp"
#include "state/store.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"
#include "sys/pause.hpp"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <boost/json.hpp>

#include <chrono>

namespace pausa::state {
namespace {

namespace json = boost::json;

constexpr std::size_t journal_limit = 256U << 20U;
constexpr std::string_view suffix = ".json";
constexpr std::string_view given_up = ".failed";
constexpr std::chrono::seconds lock_patience(60);

std::string text(const json::value& value) {
  return json::value_to<std::string>(value);
}

json::value to_value(const PodKey& key) {
  return {{"namespace", key.namespace_}, {"name", key.name}};
}
PodKey key_from(const json::value& value) {
  return {text(value.at("namespace")), text(value.at("name"))};
}

json::value to_value(const PodBefore& pod) {
  json::array volumes;
  for (const auto& volume : pod.volumes)
    volumes.push_back({{"name", volume.name}, {"image", volume.image}});
  return {
      {"key", to_value(pod.key)},
      {"manifest", pod.manifest},
      {"origin", pod.origin},
      {"backoff",
       {pod.backoff.initial.count(), pod.backoff.maximum.count(), pod.backoff.reset_after.count()}},
      {"exactProbes", pod.exact_probes},
      {"images", json::value_from(pod.images)},
      {"volumes", std::move(volumes)},
      {"network", pod.network}};
}
PodBefore pod_from(const json::value& value) {
  const auto backoff = [&](std::size_t i) {
    return pod::Duration(value.at("backoff").as_array().at(i).to_number<std::int64_t>());
  };
  std::vector<VolumeRecord> volumes;
  if (const auto* list = value.as_object().if_contains("volumes"))
    for (const auto& volume : list->as_array())
      volumes.push_back({text(volume.at("name")), text(volume.at("image"))});
  std::string network;
  if (const auto* words = value.as_object().if_contains("network")) network = text(*words);
  return {key_from(value.at("key")),
          text(value.at("manifest")),
          text(value.at("origin")),
          {backoff(0), backoff(1), backoff(2)},
          value.at("exactProbes").as_bool(),
          json::value_to<std::vector<std::string>>(value.at("images")),
          std::move(volumes),
          std::move(network)};
}

json::value to_value(const ObjectBefore& object) {
  return {{"kind", pod::kind_name(object.kind)},
          {"namespace", object.namespace_},
          {"name", object.name},
          {"before", object.before ? json::value(pod::to_json(pod::object_node(*object.before)))
                                   : json::value(nullptr)}};
}
ObjectBefore object_from(const json::value& value) {
  const auto kind = pod::object_kind(text(value.at("kind")));
  if (!kind) throw sys::Error("an unknown kind");
  ObjectBefore object{*kind, text(value.at("namespace")), text(value.at("name")), {}};
  if (!value.at("before").is_null())
    object.before = object_from_json(text(value.at("before")), *kind);
  return object;
}

}  // namespace

std::string to_json(const Journal& journal) {
  json::array made, pods, objects;
  for (const auto& key : journal.made) made.push_back(to_value(key));
  for (const auto& pod : journal.pods) pods.push_back(to_value(pod));
  for (const auto& object : journal.objects) objects.push_back(to_value(object));
  return json::serialize(json::value{{"owner",
                                      {{"pid", journal.owner.pid},
                                       {"startTime", journal.owner.start_time},
                                       {"inode", journal.owner.inode}}},
                                     {"bootId", journal.boot_id},
                                     {"made", std::move(made)},
                                     {"pods", std::move(pods)},
                                     {"objects", std::move(objects)}});
}

Journal journal_from_json(const std::string& text_) {
  try {
    const json::value value = json::parse(text_);
    Journal journal;
    const auto& owner = value.at("owner");
    journal.owner = {static_cast<pid_t>(owner.at("pid").to_number<std::int64_t>()),
                     owner.at("startTime").to_number<std::uint64_t>(),
                     owner.at("inode").to_number<std::uint64_t>()};
    journal.boot_id = text(value.at("bootId"));
    for (const auto& key : value.at("made").as_array()) journal.made.push_back(key_from(key));
    for (const auto& pod : value.at("pods").as_array()) journal.pods.push_back(pod_from(pod));
    for (const auto& object : value.at("objects").as_array())
      journal.objects.push_back(object_from(object));
    return journal;
  } catch (const std::exception&) {
    throw sys::Error("it is damaged");
  }
}

std::string Journals::add(const Journal& journal) const {
  const sys::UniqueFd dir = sys::make_dirs_at(AT_FDCWD, folder_, 0700);
  std::string id = make_uid();
  sys::replace_file_at(dir.get(), id + std::string(suffix), to_json(journal), 0600);
  return id;
}

Journal Journals::read(const std::string& id) const {
  const std::string path = folder_ + "/" + id + std::string(suffix);
  const auto content = sys::read_file_at(AT_FDCWD, path, journal_limit);
  if (!content) throw sys::Error(ENOENT, "read " + path);
  try {
    return journal_from_json(*content);
  } catch (sys::Error& error) {
    error.prepend(path);
    error.advise("look at the pods with pausa ps");
    throw;
  }
}

void Journals::remove(const std::string& id) const noexcept {
  (void)::unlink((folder_ + "/" + id + std::string(suffix)).c_str());
}

std::string Journals::give_up(const std::string& id) const noexcept {
  const std::string path = folder_ + "/" + id;
  const std::string kept = path + std::string(given_up);
  (void)::rename((path + std::string(suffix)).c_str(), kept.c_str());
  return kept;
}

std::vector<std::string> Journals::ids(std::string_view ending) const {
  std::vector<std::string> ids;
  const sys::UniqueFd dir(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir) return ids;
  for (const auto& file : sys::list_dir(dir.get()))
    if (!file.starts_with('.') && file.ends_with(ending))
      ids.push_back(file.substr(0, file.size() - ending.size()));
  return ids;
}

std::vector<std::string> Journals::abandoned() const {
  std::vector<std::string> found;
  for (auto& id : ids(suffix)) {
    const auto content =
        sys::read_file_at(AT_FDCWD, folder_ + "/" + id + std::string(suffix), journal_limit);
    if (!content) continue;  // its up has just come to its end
    try {
      const auto journal = journal_from_json(*content);
      if (journal.boot_id == sys::boot_id() && sys::alive(journal.owner)) continue;
    } catch (const sys::Error&) {
      // Told by read().
    }
    found.push_back(std::move(id));
  }
  return found;
}

std::vector<Journal> Journals::list() const {
  std::vector<Journal> journals;
  const auto read_all = [&](std::string_view ending, bool wanted) {
    for (const auto& id : ids(ending)) {
      const std::string path = folder_ + "/" + id + std::string(ending);
      const auto content = sys::read_file_at(AT_FDCWD, path, journal_limit);
      if (!content) continue;  // its up has just come to its end
      try {
        auto journal = journal_from_json(*content);
        if (wanted) journals.push_back(std::move(journal));
      } catch (sys::Error& error) {
        error.prepend(path);
        error.advise("nobody knows what it needs: move it away when you do not want it any more");
        throw;
      }
    }
  };
  read_all(suffix, true);
  read_all(given_up, false);
  return journals;
}

TakeBackLock::TakeBackLock(const Paths& paths) {
  const sys::UniqueFd dir = sys::make_dirs_at(AT_FDCWD, paths.undo(), 0700);
  fd_.reset(sys::check(::openat(dir.get(), "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600), "open ",
                       paths.undo(), "/lock"));
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  const auto deadline = std::chrono::steady_clock::now() + lock_patience;
  while (::fcntl(fd_.get(), F_SETLK, &range) < 0) {
    if (errno != EAGAIN && errno != EACCES && errno != EINTR) sys::check(-1, "lock ", paths.undo());
    if (std::chrono::steady_clock::now() >= deadline)
      throw sys::Error("another command is taking back what an up has left, and does not end");
    sys::pause_briefly();
  }
}

}  // namespace pausa::state
