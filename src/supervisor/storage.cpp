// Limits of disk space, as the kubelet keeps them: by looking, now and then, and by evicting the
// pod that is beyond its limit. (Quotas of a file system would need it to be mounted with them.)
#include "pod/quantity.hpp"
#include "supervisor/disk_usage.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/wall_clock.hpp"

#include <algorithm>

namespace pausa::supervisor {
namespace {

// Looking takes at most a hundredth of the time.
constexpr std::chrono::nanoseconds shortest_pause = std::chrono::seconds(1);
constexpr int idle_share = 100;

std::string shown(std::int64_t bytes) {
  return "\"" + pod::Quantity(bytes, pod::Quantity::Format::binary_si).canonical() + "\"";
}

bool is_beyond(const std::string& directory, std::int64_t limit) {
  const auto most = static_cast<std::uint64_t>(std::max<std::int64_t>(limit, 0));
  return disk_usage(directory, most) > most;
}

std::optional<std::int64_t> limit_of(const pod::Volume& volume) {
  const auto* empty = std::get_if<pod::EmptyDir>(&volume.source);
  if (empty == nullptr || empty->memory) return std::nullopt;
  return empty->size_limit_bytes;
}

}  // namespace

bool Supervisor::has_storage_limits() const {
  const auto& spec = charge_.pod.spec;
  const auto limited = [](const Container& container) {
    return container.spec->resources.limit_storage_bytes.has_value();
  };
  return std::any_of(spec.volumes.begin(), spec.volumes.end(),
                     [](const pod::Volume& volume) { return limit_of(volume).has_value(); }) ||
         std::any_of(containers_.begin(), containers_.end(), limited);
}

// The kubelet's sentence about what is beyond its limit; empty when all is well.
std::string Supervisor::storage_excess() const {
  for (const auto& volume : charge_.pod.spec.volumes)
    if (const auto limit = limit_of(volume);
        limit && is_beyond(data_dir_ + "/volumes/" + volume.name, *limit))
      return "Usage of EmptyDir volume \"" + volume.name + "\" exceeds the limit " + shown(*limit) +
             ".";
  for (std::size_t i = 0; i < containers_.size(); ++i) {
    const auto limit = containers_[i].spec->resources.limit_storage_bytes;
    const auto& entry = record_.containers[i];
    if (!limit || entry.rootfs.empty()) continue;
    const auto most = static_cast<std::uint64_t>(std::max<std::int64_t>(*limit, 0));
    // What it wrote into its root, and what it said.
    const auto used = disk_usage(data_dir_ + "/" + entry.rootfs + "/upper", most) +
                      disk_usage(data_dir_ + "/logs/" + entry.name, most);
    if (used > most)
      return "Container " + entry.name + " exceeded its local ephemeral storage limit " +
             shown(*limit) + ".";
  }
  return {};
}

void Supervisor::watch_storage() {
  if (!has_storage_limits() || over_) return;
  if (!storage_timer_) storage_timer_ = std::make_unique<boost::asio::steady_timer>(io_);
  const auto begin = std::chrono::steady_clock::now();
  const std::string excess = record_.state.stopping ? "" : storage_excess();
  if (!excess.empty()) {
    events_.add(true, "Evicted", "", excess);
    wake_infra();
    feed(pod::event::Evict{excess, wall_now()});
    return;
  }
  const auto pause = std::max<std::chrono::nanoseconds>(
      shortest_pause, idle_share * (std::chrono::steady_clock::now() - begin));
  storage_timer_->expires_after(pause);
  storage_timer_->async_wait([this](const boost::system::error_code& error) {
    if (!error) watch_storage();
  });
}

}  // namespace pausa::supervisor
