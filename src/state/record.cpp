#include "state/record.hpp"

#include "sys/error.hpp"

#include <boost/json.hpp>

#include <array>

namespace pausa::state {
namespace {

namespace json = boost::json;
using Stage = pod::ContainerState::Stage;

json::value to_value(const sys::ProcessId& id) {
  return {{"pid", id.pid}, {"startTime", id.start_time}, {"inode", id.inode}};
}
sys::ProcessId process_from(const json::value& value) {
  const auto* inode = value.as_object().if_contains("inode");
  return {static_cast<pid_t>(value.at("pid").to_number<std::int64_t>()),
          value.at("startTime").to_number<std::uint64_t>(),
          inode == nullptr ? 0 : inode->to_number<std::uint64_t>()};
}

json::value to_value(const pod::Termination& end) {
  return {{"exitCode", end.exit_code},      {"signal", end.signal},
          {"reason", end.reason},           {"message", end.message},
          {"started", end.started.count()}, {"finished", end.finished.count()}};
}
std::string text(const json::value& value) {
  return json::value_to<std::string>(value);
}
std::int64_t number(const json::value& value) {
  return value.to_number<std::int64_t>();
}

pod::Termination termination_from(const json::value& value) {
  return {static_cast<int>(number(value.at("exitCode"))),
          static_cast<int>(number(value.at("signal"))),
          text(value.at("reason")),
          text(value.at("message")),
          pod::WallTime(number(value.at("started"))),
          pod::WallTime(number(value.at("finished")))};
}

template <typename T>
json::value optional_time(const std::optional<T>& time) {
  if (!time) return nullptr;
  return time->count();
}
std::optional<std::chrono::nanoseconds> time_from(const json::value& value) {
  if (value.is_null()) return std::nullopt;
  return std::chrono::nanoseconds(number(value));
}
std::optional<pod::Termination> optional_end(const json::value& value) {
  if (value.is_null()) return std::nullopt;
  return termination_from(value);
}

std::int64_t number_or(const json::value& value, const char* key, std::int64_t otherwise) {
  const auto* found = value.as_object().if_contains(key);
  return found == nullptr ? otherwise : number(*found);
}
bool truth_or(const json::value& value, const char* key, bool otherwise) {
  const auto* found = value.as_object().if_contains(key);
  return found == nullptr ? otherwise : found->as_bool();
}

// Only what differs from the beginning: most containers have no probes.
void add_health(json::object& object, const pod::ContainerState& state) {
  if (state.sidecar) object["sidecar"] = true;
  if (state.up) object["up"] = true;
  if (state.ready) object["ready"] = true;
  if (state.ready_since.count() != 0) object["readySince"] = state.ready_since.count();
  if (state.ending != pod::ContainerState::Ending::no)
    object["ending"] = static_cast<int>(state.ending);
  if (state.hook) object["hook"] = static_cast<int>(*state.hook);
  json::array probes;
  for (std::size_t i = 0; i < state.probes.size(); ++i) {
    const auto& probe = state.probes[i];
    if (!probe.due && probe.row == 0 && !probe.result) continue;
    probes.push_back({{"kind", i},
                      {"result", probe.result},
                      {"last", probe.last},
                      {"row", probe.row},
                      {"fast", probe.fast.count()}});
  }
  if (!probes.empty()) object["probes"] = std::move(probes);
}

json::value to_value(const pod::ContainerState& state) {
  json::object object = {
      {"stage", static_cast<int>(state.stage)},
      {"waitingReason", state.waiting_reason},
      {"waitingMessage", state.waiting_message},
      {"restartCount", state.restart_count},
      {"launches", state.launches},
      {"started", state.started.count()},
      {"startedAt", state.started_at.count()},
      {"terminated", state.terminated ? to_value(*state.terminated) : json::value(nullptr)},
      {"last", state.last ? to_value(*state.last) : json::value(nullptr)},
      {"backoff", state.backoff.next.count()},
      {"restartAt", optional_time(state.restart_at)},
      {"restartRequested", state.restart_requested},
      {"killAt", optional_time(state.kill_at)}};
  add_health(object, state);
  return object;
}

// An enumerator out of a file: refused when it is none.
template <typename Enum>
Enum enumerator(const json::value& value, Enum last) {
  const auto n = number(value);
  if (n < 0 || n > static_cast<std::int64_t>(last))
    throw sys::Error("the record holds an unknown state " + std::to_string(n));
  return static_cast<Enum>(n);
}

void read_health(const json::value& value, pod::ContainerState& state) {
  state.sidecar = truth_or(value, "sidecar", false);
  state.up = truth_or(value, "up", false);
  state.ready = truth_or(value, "ready", false);
  state.ready_since = pod::WallTime(number_or(value, "readySince", 0));
  const auto& object = value.as_object();
  if (const auto* ending = object.if_contains("ending"))
    state.ending = enumerator(*ending, pod::ContainerState::Ending::killed);
  if (const auto* hook = object.if_contains("hook"))
    state.hook = enumerator(*hook, pod::HookKind::pre_stop);
  const auto* probes = object.if_contains("probes");
  if (probes == nullptr) return;
  for (const auto& entry : probes->as_array()) {
    const auto kind = enumerator(entry.at("kind"), pod::ProbeKind::readiness);
    auto& probe = state.probes[static_cast<std::size_t>(kind)];
    probe.result = entry.at("result").as_bool();
    probe.last = entry.at("last").as_bool();
    probe.row = entry.at("row").to_number<std::uint32_t>();
    probe.fast = pod::Duration(number(entry.at("fast")));
  }
}

pod::ContainerState container_state_from(const json::value& value) {
  pod::ContainerState state;
  state.stage = enumerator(value.at("stage"), Stage::terminated);
  state.waiting_reason = text(value.at("waitingReason"));
  state.waiting_message = text(value.at("waitingMessage"));
  state.restart_count = value.at("restartCount").to_number<std::uint32_t>();
  state.launches = value.at("launches").to_number<std::uint32_t>();
  state.started = pod::WallTime(number(value.at("started")));
  state.started_at = pod::Time(number(value.at("startedAt")));
  state.terminated = optional_end(value.at("terminated"));
  state.last = optional_end(value.at("last"));
  state.backoff.next = pod::Duration(number(value.at("backoff")));
  state.restart_at = time_from(value.at("restartAt"));
  state.restart_requested = value.at("restartRequested").as_bool();
  state.kill_at = time_from(value.at("killAt"));
  read_health(value, state);
  return state;
}

json::value to_value(const ContainerRecord& container, const pod::ContainerState& state) {
  return {{"name", container.name},
          {"init", container.init},
          {"image", container.image},
          {"process", to_value(container.process)},
          {"podPid", container.pod_pid},
          {"slot", container.slot},
          {"generation", container.generation},
          {"rootfs", container.rootfs},
          {"cgroup", container.cgroup},
          {"ownPidNamespace", container.own_pid_namespace},
          {"oomKills", container.oom_kills},
          {"state", to_value(state)}};
}

ContainerRecord container_from(const json::value& value) {
  ContainerRecord container;
  container.name = text(value.at("name"));
  container.init = value.at("init").as_bool();
  container.image = text(value.at("image"));
  container.process = process_from(value.at("process"));
  container.pod_pid = value.at("podPid").to_number<std::int32_t>();
  container.slot = value.at("slot").to_number<std::uint32_t>();
  container.generation = value.at("generation").to_number<std::uint32_t>();
  container.rootfs = text(value.at("rootfs"));
  container.cgroup = text(value.at("cgroup"));
  container.own_pid_namespace = value.at("ownPidNamespace").as_bool();
  container.oom_kills = value.at("oomKills").to_number<std::uint64_t>();
  return container;
}

Record parse(const std::string& source) {
  // `ps` parses a record for each pod: the tree of an ordinary one fits here, without malloc.
  std::array<unsigned char, std::size_t{48} * 1024> buffer;
  json::monotonic_resource memory(buffer.data(), buffer.size());
  const json::value root = json::parse(source, &memory);
  Record record;
  record.version = static_cast<int>(number(root.at("version")));
  if (record.version != Record::current_version)
    throw sys::Error("the record has version " + std::to_string(record.version) +
                     ", this pausa knows version " + std::to_string(Record::current_version));
  record.key = {text(root.at("namespace")), text(root.at("name"))};
  record.uid = text(root.at("uid"));
  record.boot_id = text(root.at("bootId"));
  record.created_ns = number(root.at("created"));
  record.desired = enumerator(root.at("desired"), Desired::removed);
  record.user_namespace = root.at("userNamespace").as_bool();
  record.id_base = root.at("idBase").to_number<std::uint32_t>();
  record.cgroup = text(root.at("cgroup"));
  record.backoff_initial_ns = number(root.at("backoffInitial"));
  record.backoff_maximum_ns = number(root.at("backoffMaximum"));
  record.backoff_reset_ns = number(root.at("backoffReset"));
  record.exact_probes = truth_or(root, "exactProbes", false);
  record.infra = process_from(root.at("infra"));
  record.supervisor = process_from(root.at("supervisor"));
  record.guard = process_from(root.at("guard"));
  const auto& namespaces = root.at("namespaces").as_object();
  for (std::size_t i = 0; i < sys::namespace_kinds.size(); ++i)
    record.namespaces[i] = namespaces.at(sys::namespace_kinds[i].name).to_number<std::uint64_t>();

  auto& state = record.state;
  state.phase = enumerator(root.at("phase"), pod::Phase::failed);
  state.reason = text(root.at("reason"));
  state.message = text(root.at("message"));
  state.sandbox = root.at("sandbox").as_bool();
  state.stopping = root.at("stopping").as_bool();
  state.finished = root.at("finished").as_bool();
  state.completing = truth_or(root, "completing", false);
  state.restarting_all = truth_or(root, "restartingAll", false);
  state.kill_at = time_from(root.at("killAt"));
  if (const auto* deadline = root.as_object().if_contains("deadline"))
    state.deadline = time_from(*deadline);
  if (const auto* gates = root.as_object().if_contains("gates"))
    for (const auto& gate : gates->as_array())
      state.gates.push_back({text(gate.at("type")), gate.at("holds").as_bool(),
                             pod::WallTime(number(gate.at("since")))});
  state.initialized = time_from(root.at("initialized"));
  state.sandbox_ready = time_from(root.at("sandboxReady"));
  for (const auto& value : root.at("containers").as_array()) {
    record.containers.push_back(container_from(value));
    state.containers.push_back(container_state_from(value.at("state")));
  }
  return record;
}

}  // namespace

std::string to_json(const Record& record) {
  const auto& state = record.state;
  json::object namespaces;
  for (std::size_t i = 0; i < sys::namespace_kinds.size(); ++i)
    namespaces[sys::namespace_kinds[i].name] = record.namespaces[i];
  json::array containers;
  for (std::size_t i = 0; i < record.containers.size(); ++i)
    containers.push_back(to_value(record.containers[i], state.containers[i]));
  json::object root{{"version", record.version},
                    {"namespace", record.key.namespace_},
                    {"name", record.key.name},
                    {"uid", record.uid},
                    {"bootId", record.boot_id},
                    {"created", record.created_ns},
                    {"desired", static_cast<int>(record.desired)},
                    {"userNamespace", record.user_namespace},
                    {"idBase", record.id_base},
                    {"cgroup", record.cgroup},
                    {"backoffInitial", record.backoff_initial_ns},
                    {"backoffMaximum", record.backoff_maximum_ns},
                    {"backoffReset", record.backoff_reset_ns},
                    {"infra", to_value(record.infra)},
                    {"supervisor", to_value(record.supervisor)},
                    {"guard", to_value(record.guard)},
                    {"namespaces", std::move(namespaces)},
                    {"phase", static_cast<int>(state.phase)},
                    {"reason", state.reason},
                    {"message", state.message},
                    {"sandbox", state.sandbox},
                    {"stopping", state.stopping},
                    {"finished", state.finished},
                    {"killAt", optional_time(state.kill_at)},
                    {"initialized", optional_time(state.initialized)},
                    {"sandboxReady", optional_time(state.sandbox_ready)},
                    {"containers", std::move(containers)}};
  if (state.completing) root["completing"] = true;
  if (state.restarting_all) root["restartingAll"] = true;
  if (state.deadline) root["deadline"] = state.deadline->count();
  if (record.exact_probes) root["exactProbes"] = true;
  json::array gates;
  for (const auto& gate : state.gates)
    gates.push_back({{"type", gate.type}, {"holds", gate.holds}, {"since", gate.since.count()}});
  if (!gates.empty()) root["gates"] = std::move(gates);
  return json::serialize(root) + "\n";
}

Record record_from_json(const std::string& source) {
  try {
    return parse(source);
  } catch (const sys::Error&) {
    throw;
  } catch (const boost::system::system_error& broken) {
    throw sys::Error("the record is damaged: " + broken.code().message());
  } catch (const std::exception& broken) {
    throw sys::Error(std::string("the record is damaged: ") + broken.what());
  }
}

}  // namespace pausa::state
