#include "pod/decode.hpp"

#include "support/json_node.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

using namespace pausa::pod;

namespace {

Pod decode(std::string_view json) {
  Diagnostics findings;
  Pod pod = decode_pod(pausa::test::read_json(json), findings);
  REQUIRE(findings.empty());
  return pod;
}

Pod decode_spec(const std::string& fields) {
  return decode(R"({"metadata":{"name":"p"},"spec":{)" + fields + "}}");
}

}  // namespace

TEST_SUITE("pod/unit") {
  TEST_CASE("what the manifest leaves out has Kubernetes' default, or ours") {
    const Pod pod = decode(R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"c",
        "image":"busybox","ports":[{"containerPort":80}]}],"volumes":[{"name":"v"}]}})");
    CHECK(pod.metadata.name == "p");
    CHECK(pod.metadata.namespace_ == "default");
    CHECK(pod.spec.restart_policy == RestartPolicy::always);
    CHECK(pod.spec.share_process_namespace);
    CHECK(pod.spec.host_users);
    CHECK_FALSE(pod.spec.host_network);
    CHECK(pod.spec.hostname.empty());
    CHECK(pod.spec.termination_grace_period == std::chrono::seconds(10));
    CHECK_FALSE(pod.spec.time_offsets.any());
    REQUIRE(pod.spec.containers.size() == 1);
    const Container& container = pod.spec.containers[0];
    CHECK(container.image_pull_policy == PullPolicy::unset);
    CHECK(container.ports[0].protocol == Protocol::tcp);
    CHECK(container.ports[0].host_port == 0);
    CHECK_FALSE(container.resources.limit_cpu_milli);
    CHECK_FALSE(container.security.run_as_user);
    CHECK(std::holds_alternative<EmptyDir>(pod.spec.volumes[0].source));
  }

  TEST_CASE("metadata keeps the manifest's order") {
    const Pod pod = decode(R"({"metadata":{"name":"p","namespace":"n","labels":{"z":"1","a":"2"},
        "annotations":{"other/x":"y"}},"spec":{}})");
    CHECK(pod.metadata.namespace_ == "n");
    CHECK(pod.metadata.labels == KeyValues{{"z", "1"}, {"a", "2"}});
    CHECK(pod.metadata.annotations == KeyValues{{"other/x", "y"}});
  }

  TEST_CASE("a container's fields arrive") {
    const Pod pod = decode_spec(R"("containers":[{"name":"c","image":"i","imagePullPolicy":"Never",
        "command":["a","b"],"args":["c"],"workingDir":"/w","stdin":true,"stdinOnce":true,"tty":true,
        "env":[{"name":"A","value":"1"},{"name":"B"}],
        "ports":[{"name":"dns","containerPort":53,"hostPort":5353,"hostIP":"127.0.0.1","protocol":"UDP"}],
        "volumeMounts":[{"name":"v","mountPath":"/v","subPath":"s","readOnly":true,
                         "mountPropagation":"HostToContainer"}]}])");
    const Container& c = pod.spec.containers.at(0);
    CHECK(c.name == "c");
    CHECK(c.image == "i");
    CHECK(c.image_pull_policy == PullPolicy::never);
    CHECK(c.command == std::vector<std::string>{"a", "b"});
    CHECK(c.args == std::vector<std::string>{"c"});
    CHECK(c.working_dir == "/w");
    CHECK((c.stdin_open && c.stdin_once && c.tty));
    REQUIRE(c.env.size() == 2);
    CHECK(c.env[0].value == "1");
    CHECK(c.env[1].value.empty());
    CHECK(c.ports[0].name == "dns");
    CHECK(c.ports[0].container_port == 53);
    CHECK(c.ports[0].host_port == 5353);
    CHECK(c.ports[0].host_ip == "127.0.0.1");
    CHECK(c.ports[0].protocol == Protocol::udp);
    CHECK(c.volume_mounts[0].sub_path == "s");
    CHECK(c.volume_mounts[0].read_only);
    CHECK(c.volume_mounts[0].propagation == MountPropagation::host_to_container);
  }

  TEST_CASE("requests default to limits, one by one") {
    const Pod pod =
        decode_spec(R"("containers":[{"resources":{"limits":{"cpu":"1500m","memory":"64Mi"},
        "requests":{"cpu":0.25}}}])");
    const Resources& r = pod.spec.containers.at(0).resources;
    CHECK(r.limit_cpu_milli == 1500);
    CHECK(r.limit_memory_bytes == 64 << 20);
    CHECK(r.request_cpu_milli == 250);
    CHECK(r.request_memory_bytes == 64 << 20);
  }

  TEST_CASE("under hostNetwork every declared port is a host port") {
    const Pod pod =
        decode_spec(R"("hostNetwork":true,"containers":[{"ports":[{"containerPort":80}]}])");
    CHECK(pod.spec.containers.at(0).ports.at(0).host_port == 80);
  }

  TEST_CASE("a negative grace is one second, zero stays zero") {
    CHECK(decode_spec(R"("terminationGracePeriodSeconds":-5)")
              .spec.termination_grace_period.count() == 1);
    CHECK(
        decode_spec(R"("terminationGracePeriodSeconds":0)").spec.termination_grace_period.count() ==
        0);
    CHECK(decode_spec(R"("terminationGracePeriodSeconds":30)")
              .spec.termination_grace_period.count() == 30);
  }

  TEST_CASE("security contexts arrive, with capabilities and sysctls in one spelling") {
    const Pod pod =
        decode_spec(R"("securityContext":{"runAsUser":0,"runAsGroup":5,"runAsNonRoot":false,
        "fsGroup":7,"fsGroupChangePolicy":"OnRootMismatch","supplementalGroups":[1,4294967294],
        "supplementalGroupsPolicy":"Strict","seccompProfile":{"type":"Localhost","localhostProfile":"a/b.json"},
        "sysctls":[{"name":"kernel/shm_rmid_forced","value":"1"},
                   {"name":"net/ipv4/conf/eth0.1/forwarding","value":"0"},
                   {"name":"net.core.somaxconn","value":"9"}]},
        "containers":[{"securityContext":{"privileged":true,"readOnlyRootFilesystem":true,
          "allowPrivilegeEscalation":false,"procMount":"Unmasked","seccompProfile":{"type":"Unconfined"},
          "capabilities":{"add":["CAP_NET_ADMIN","kill"],"drop":["ALL"]}}}])");
    const PodSecurityContext& p = pod.spec.security;
    CHECK(p.run_as_user == 0U);
    CHECK(p.run_as_group == 5U);
    CHECK(p.run_as_non_root == false);
    CHECK(p.fs_group == 7U);
    CHECK(p.fs_group_change_policy == FsGroupChangePolicy::on_root_mismatch);
    CHECK(p.supplemental_groups == std::vector<std::uint32_t>{1, 4294967294U});
    CHECK(p.supplemental_groups_policy == SupplementalGroupsPolicy::strict);
    REQUIRE(p.seccomp_profile);
    CHECK(p.seccomp_profile->type == SeccompType::localhost);
    CHECK(p.seccomp_profile->localhost_profile == "a/b.json");
    REQUIRE(p.sysctls.size() == 3);
    CHECK(p.sysctls[0].name == "kernel.shm_rmid_forced");
    CHECK(p.sysctls[1].name == "net.ipv4.conf.eth0/1.forwarding");
    CHECK(p.sysctls[2].name == "net.core.somaxconn");
    const SecurityContext& c = pod.spec.containers.at(0).security;
    CHECK(c.privileged);
    CHECK(c.read_only_root_filesystem);
    CHECK(c.allow_privilege_escalation == false);
    CHECK(c.proc_mount == ProcMount::unmasked);
    REQUIRE(c.seccomp_profile);
    CHECK(c.seccomp_profile->type == SeccompType::unconfined);
    CHECK(c.capabilities_add == std::vector<std::string>{"NET_ADMIN", "KILL"});
    CHECK(c.capabilities_drop == std::vector<std::string>{"ALL"});
  }

  TEST_CASE("volumes know their source") {
    const Pod pod =
        decode_spec(R"("volumes":[{"name":"a","emptyDir":{"medium":"Memory","sizeLimit":"1Ki"}},
        {"name":"b","hostPath":{"path":"/srv","type":"DirectoryOrCreate"}},{"name":"c","hostPath":{"path":"/x"}}])");
    const auto& empty = std::get<EmptyDir>(pod.spec.volumes.at(0).source);
    CHECK(empty.memory);
    CHECK(empty.size_limit_bytes == 1024);
    const auto& host = std::get<HostPath>(pod.spec.volumes.at(1).source);
    CHECK(host.path == "/srv");
    CHECK(host.type == HostPathType::directory_or_create);
    CHECK(std::get<HostPath>(pod.spec.volumes.at(2).source).type == HostPathType::unset);
  }

  TEST_CASE("the pod's switches and aliases arrive") {
    const Pod pod = decode_spec(
        R"("hostPID":true,"hostIPC":true,"hostUsers":false,"shareProcessNamespace":false,
        "hostname":"h","restartPolicy":"OnFailure","initContainers":[{"name":"i"}],
        "hostAliases":[{"ip":"10.0.0.1","hostnames":["a","b"]}])");
    CHECK((pod.spec.host_pid && pod.spec.host_ipc));
    CHECK_FALSE((pod.spec.host_users || pod.spec.share_process_namespace));
    CHECK(pod.spec.hostname == "h");
    CHECK(pod.spec.restart_policy == RestartPolicy::on_failure);
    CHECK(pod.spec.init_containers.at(0).name == "i");
    CHECK(pod.spec.host_aliases.at(0).ip == "10.0.0.1");
    CHECK(pod.spec.host_aliases.at(0).hostnames == std::vector<std::string>{"a", "b"});
  }

  TEST_CASE("time offsets are annotations") {
    const Pod pod = decode(R"({"metadata":{"annotations":{"pausa/monotonic-offset":"-3600s",
        "pausa/boottime-offset":"1h30m"}},"spec":{}})");
    CHECK(pod.spec.time_offsets.monotonic == -std::chrono::hours(1));
    CHECK(pod.spec.time_offsets.boottime == std::chrono::minutes(90));
  }

  TEST_CASE("an annotation of ours that is wrong or unknown is a fault") {
    Diagnostics findings;
    (void)decode_pod(pausa::test::read_json(R"({"metadata":{"annotations":{
        "pausa/monotonic-offset":"soon","pausa/boottime-ofset":"1s","pausa.example/x":"fine"}}})"),
                     findings);
    REQUIRE(findings.size() == 2);
    CHECK(
        message(findings[0]) ==
        "metadata.annotations[pausa/monotonic-offset]: Invalid value: \"soon\": must be a duration "
        "such as \"-3600s\" or \"1h30m\"");
    CHECK(findings[1].kind == ErrorKind::unsupported);
    CHECK(findings[1].hint == "did you mean \"pausa/boottime-offset\"?");
  }

  TEST_CASE("an object of wrong types decodes to defaults and does not fail") {
    Diagnostics findings;
    for (
        const char* const json :
        {"null", "[]", "7", R"({"metadata":[],"spec":3})",
         R"({"metadata":{"name":1,"labels":[]},"spec":{"containers":{"a":1},"volumes":[null,{"hostPath":[]}],
              "hostNetwork":"yes","terminationGracePeriodSeconds":"x","securityContext":{"runAsUser":-1,
              "supplementalGroups":[-1,"a"]}}})",
         R"({"spec":{"containers":[null,[],{"env":[1],"ports":[{"containerPort":99999}],"resources":{"limits":{"cpu":[]}}}]}})"}) {
      CAPTURE(json);
      const Pod pod = decode_pod(pausa::test::read_json(json), findings);
      CHECK(pod.metadata.name.empty());
      CHECK_FALSE(pod.spec.host_network);
      CHECK_FALSE(pod.spec.security.run_as_user);
    }
    CHECK(findings.empty());
  }
}
