#include "state/record.hpp"

#include "state/fields.hpp"

#include <array>

// Not in an unnamed namespace: fields.hpp finds them by their argument.
namespace pausa::state {

template <typename Io>
static void describe(Io& io, typename Io::template As<sys::ProcessId>& id) {
  io.value("pid", id.pid);
  io.value("startTime", id.start_time);
  io.value("inode", id.inode);
}

template <typename Io>
static void describe(Io& io, typename Io::template As<sys::NamespaceInodes>& inodes) {
  for (std::size_t i = 0; i < sys::namespace_kinds.size(); ++i)
    io.value(sys::namespace_kinds[i].name, inodes[i]);
}

template <typename Io>
static void describe(Io& io, typename Io::template As<pod::Termination>& end) {
  io.value("exitCode", end.exit_code);
  io.value("signal", end.signal);
  io.value("reason", end.reason);
  io.value("message", end.message);
  io.value("started", end.started);
  io.value("finished", end.finished);
}

template <typename Io>
static void describe(Io& io, typename Io::template As<pod::ProbeState>& probe) {
  io.value("result", probe.result);
  io.value("last", probe.last);
  io.value("row", probe.row);
  io.value("fast", probe.fast);
}

template <typename Io>
static void describe(Io& io, typename Io::template As<pod::GateState>& gate) {
  io.value("type", gate.type);
  io.value("holds", gate.holds);
  io.value("since", gate.since);
  io.value("reason", gate.reason);
  io.value("message", gate.message);
}

template <typename Io>
static void describe(Io& io, typename Io::template As<pod::ContainerState>& state) {
  using pod::ProbeKind;
  using State = pod::ContainerState;
  io.choice("stage", state.stage, State::Stage::terminated);
  io.value("sidecar", state.sidecar);
  io.value("ephemeral", state.ephemeral);
  io.value("waitingReason", state.waiting_reason);
  io.value("waitingMessage", state.waiting_message);
  io.value("restartCount", state.restart_count);
  io.value("launches", state.launches);
  io.value("started", state.started);
  io.value("startedAt", state.started_at);
  io.nested("terminated", state.terminated);
  io.nested("last", state.last);
  io.value("backoff", state.backoff.next);
  io.value("restartAt", state.restart_at);
  io.value("restartRequested", state.restart_requested);
  io.choice("hook", state.hook, pod::HookKind::pre_stop);
  io.value("up", state.up);
  io.value("ready", state.ready);
  io.value("readySince", state.ready_since);
  io.choice("ending", state.ending, State::Ending::killed);
  io.value("killAt", state.kill_at);
  io.nested("startupProbe", state.probes[static_cast<std::size_t>(ProbeKind::startup)]);
  io.nested("livenessProbe", state.probes[static_cast<std::size_t>(ProbeKind::liveness)]);
  io.nested("readinessProbe", state.probes[static_cast<std::size_t>(ProbeKind::readiness)]);
}

template <typename Io>
static void describe(Io& io, typename Io::template As<ContainerRecord>& container) {
  io.value("name", container.name);
  io.value("init", container.init);
  io.value("ephemeral", container.ephemeral);
  io.value("image", container.image);
  io.nested("process", container.process);
  io.value("podPid", container.pod_pid);
  io.value("slot", container.slot);
  io.value("generation", container.generation);
  io.value("rootfs", container.rootfs);
  io.value("ownPidNamespace", container.own_pid_namespace);
  io.value("oomKills", container.oom_kills);
}

template <typename Io>
static void describe(Io& io, typename Io::template As<VolumeRecord>& volume) {
  io.value("name", volume.name);
  io.value("image", volume.image);
}

template <typename Io>
static void describe(Io& io, typename Io::template As<pod::PodState>& state) {
  io.choice("phase", state.phase, pod::Phase::failed);
  io.value("reason", state.reason);
  io.value("message", state.message);
  io.value("sandbox", state.sandbox);
  io.value("stopping", state.stopping);
  io.value("completing", state.completing);
  io.value("restartingAll", state.restarting_all);
  io.value("finished", state.finished);
  io.value("killAt", state.kill_at);
  io.value("deadline", state.deadline);
  io.value("initialized", state.initialized);
  io.value("sandboxReady", state.sandbox_ready);
  io.list("gates", state.gates);
  io.list("containers", state.containers);
}

template <typename Io>
static void describe(Io& io, typename Io::template As<NetworkRecord>& network) {
  io.choice("mode", network.mode, NetworkRecord::Mode::user);
  io.value("bridge", network.bridge);
  io.value("veth", network.veth);
  io.value("number", network.number);
  io.value("ipv4", network.ipv4);
  io.value("ipv6", network.ipv6);
}

template <typename Io>
static void describe(Io& io, typename Io::template As<Record>& record) {
  constexpr pod::BackoffPolicy usual;
  io.value("version", record.version);
  io.value("namespace", record.key.namespace_);
  io.value("name", record.key.name);
  io.value("uid", record.uid);
  io.value("bootId", record.boot_id);
  io.value("created", record.created_ns);
  io.choice("desired", record.desired, Desired::removed);
  io.value("userNamespace", record.user_namespace);
  io.value("idBase", record.id_base);
  io.value("cgroup", record.cgroup);
  io.nested("network", record.network);
  io.value("backoffInitial", record.backoff.initial, usual.initial);
  io.value("backoffMaximum", record.backoff.maximum, usual.maximum);
  io.value("backoffReset", record.backoff.reset_after, usual.reset_after);
  io.value("exactProbes", record.exact_probes);
  io.nested("infra", record.infra);
  io.nested("supervisor", record.supervisor);
  io.nested("guard", record.guard);
  io.nested("namespaces", record.namespaces);
  io.list("containers", record.containers);
  io.list("volumes", record.volumes);
  io.nested("state", record.state);
}

static Record parse(const std::string& source) {
  // `ps` parses a record for each pod: the tree of an ordinary one fits here, without malloc.
  std::array<unsigned char, std::size_t{48} * 1024> buffer;
  json::monotonic_resource memory(buffer.data(), buffer.size());
  const json::value root = json::parse(source, &memory);
  const auto version = root.at("version").to_number<int>();
  if (version != Record::current_version)
    throw sys::Error("the record has version " + std::to_string(version) +
                     ", this pausa knows version " + std::to_string(Record::current_version));
  Record record;
  FieldReader::read(root.as_object(), record);
  if (record.uid.empty() || record.key.name.empty() || record.key.namespace_.empty())
    throw sys::Error("the record is damaged: it does not say whose it is");
  if (record.containers.size() != record.state.containers.size())
    throw sys::Error("the record is damaged: it tells the state of " +
                     std::to_string(record.state.containers.size()) + " of " +
                     std::to_string(record.containers.size()) + " containers");
  return record;
}

std::string to_json(const Record& record) {
  json::object root;
  FieldWriter io(root);
  describe(io, record);
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
