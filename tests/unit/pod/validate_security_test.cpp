#include "pod/our_rules.hpp"
#include "pod/validate.hpp"
#include "support/json_node.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace pausa::pod;
namespace test = pausa::test;

namespace {

std::string pod_with(const std::string& spec, const std::string& container) {
  return R"({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {)" + spec +
         R"("containers": [{"name": "c", "image": "busybox")" + container + "}]}}";
}

std::string in_spec(const std::string& fields) {
  return pod_with(fields + ", ", "");
}
std::string in_context(const std::string& fields) {
  return pod_with("", R"(, "securityContext": {)" + fields + "}");
}
std::string with_sysctl(const std::string& name, const std::string& more = "") {
  return in_spec(more + R"("securityContext": {"sysctls": [{"name": ")" + name +
                 R"(", "value": "1"}]})");
}

std::string errors(const std::string& json, const ValidateOptions& options = {}) {
  std::string out;
  for (const Diagnostic& finding : validate_pod(test::read_json(json), options))
    if (finding.severity == Severity::error) out += message(finding) + "\n";
  return out;
}

struct Case {
  std::string json;
  std::string wanted;  // the start of the only error
};

void check_each(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    const std::string found = errors(one.json);
    CHECK_MESSAGE(found.starts_with(one.wanted), one.json, "\nfound: ", found,
                  "wanted: ", one.wanted);
    CHECK_MESSAGE(found.find('\n') + 1 == found.size(), "more than one error: ", found);
  }
}

}  // namespace

TEST_SUITE("pod/unit") {
  TEST_CASE("user and group ids are from 0 to 2^31 - 1") {
    check_each({
        {in_context(R"("runAsUser": -1)"),
         "spec.containers[0].securityContext.runAsUser: Invalid value: -1: must be between 0 and "
         "2147483647, inclusive"},
        {in_context(R"("runAsGroup": 2147483648)"),
         "spec.containers[0].securityContext.runAsGroup: Invalid value: 2147483648"},
        {in_spec(R"("securityContext": {"fsGroup": 4294967296})"),
         "spec.securityContext.fsGroup: Invalid value: 4294967296"},
        {in_spec(R"("securityContext": {"supplementalGroups": [1, -5]})"),
         "spec.securityContext.supplementalGroups[1]: Invalid value: -5"},
    });
    CHECK(errors(in_context(R"("runAsUser": 2147483647, "runAsGroup": 0)")).empty());
  }

  TEST_CASE("capabilities are known names, added or dropped") {
    check_each({
        {in_context(R"("capabilities": {"add": ["SYS_ADMINS"]})"),
         "spec.containers[0].securityContext.capabilities.add[0]: Invalid value: \"SYS_ADMINS\": "
         "is no "
         "capability"},
        {in_context(R"("capabilities": {"drop": ["net_raw"]})"),
         "spec.containers[0].securityContext.capabilities.drop[0]: Invalid value: \"net_raw\""},
        {in_context(R"("capabilities": {"add": ["NET_RAW"], "drop": ["CAP_NET_RAW"]})"),
         "spec.containers[0].securityContext.capabilities.add[0]: Invalid value: \"NET_RAW\": is "
         "both"},
    });
    CHECK(errors(in_context(
                     R"("capabilities": {"add": ["NET_ADMIN", "CAP_SYS_TIME"], "drop": ["ALL"]})"))
              .empty());
    CHECK(is_capability("CHECKPOINT_RESTORE"));
    CHECK_FALSE(is_capability("CAP_CHOWN"));
    CHECK(plain_capability("CAP_CHOWN") == "CHOWN");
  }

  TEST_CASE("no escalation does not go with what grants it") {
    const char* const wanted =
        "spec.containers[0].securityContext: Invalid value: cannot set `allowPrivilegeEscalation`";
    check_each({
        {in_context(R"("allowPrivilegeEscalation": false, "privileged": true)"), wanted},
        {in_context(
             R"("allowPrivilegeEscalation": false, "capabilities": {"add": ["CAP_SYS_ADMIN"]})"),
         wanted},
        {in_context(R"("allowPrivilegeEscalation": false, "capabilities": {"add": ["SYS_ADMIN"]})"),
         wanted},
    });
  }

  TEST_CASE(
      "a seccomp profile is named exactly when its type wants one, below the profile folder") {
    const auto profile = [](const std::string& fields) {
      return in_context(R"("seccompProfile": {)" + fields + "}");
    };
    check_each({
        {profile(""), "spec.containers[0].securityContext.seccompProfile.type: Required value"},
        {profile(R"("type": "default")"),
         "spec.containers[0].securityContext.seccompProfile.type: Unsupported value"},
        {profile(R"("type": "Localhost")"),
         "spec.containers[0].securityContext.seccompProfile.localhostProfile: Required value"},
        {profile(R"("type": "Localhost", "localhostProfile": "")"),
         "spec.containers[0].securityContext.seccompProfile.localhostProfile: Required value"},
        {profile(R"("type": "RuntimeDefault", "localhostProfile": "x.json")"),
         "spec.containers[0].securityContext.seccompProfile.localhostProfile: Invalid value: "
         "\"x.json\": can only be set when seccomp type is Localhost"},
        {profile(R"("type": "Localhost", "localhostProfile": "../p.json")"),
         "spec.containers[0].securityContext.seccompProfile.localhostProfile: Invalid value: "
         "\"../p.json\": must not contain '..'"},
        {profile(R"("type": "Localhost", "localhostProfile": "/p.json")"),
         "spec.containers[0].securityContext.seccompProfile.localhostProfile: Invalid value: "
         "\"/p.json\": must be a relative path"},
    });
  }

  TEST_CASE("what cannot be honoured is refused, also where it stands in an annotation") {
    check_each({
        {in_context(R"("seLinuxOptions": {"type": "container_t"})"),
         "spec.containers[0].securityContext.seLinuxOptions: Forbidden: not supported by pausa"},
        {in_context(R"("appArmorProfile": {"type": "RuntimeDefault"})"),
         "spec.containers[0].securityContext.appArmorProfile: Forbidden: not supported by pausa"},
        {in_context(R"("windowsOptions": {"hostProcess": true})"),
         "spec.containers[0].securityContext.windowsOptions: Forbidden: not supported by pausa"},
        {in_spec(R"("runtimeClassName": "gvisor")"),
         "spec.runtimeClassName: Forbidden: not supported by pausa"},
        {in_spec(R"("os": {"name": "windows"})"),
         "spec.os.name: Forbidden: not supported by pausa"},
    });
    const auto annotated = [](const std::string& key, const std::string& value) {
      return R"({"metadata": {"name": "p", "annotations": {")" + key + R"(": ")" + value +
             R"("}}, "spec": {"containers": [{"name": "c", "image": "i"}]}})";
    };
    check_each({
        {annotated("container.apparmor.security.beta.kubernetes.io/c", "localhost/x"),
         "metadata.annotations[container.apparmor.security.beta.kubernetes.io/c]: Forbidden"},
        {annotated("container.seccomp.security.alpha.kubernetes.io/c", "localhost/x"),
         "metadata.annotations[container.seccomp.security.alpha.kubernetes.io/c]: Forbidden"},
    });
    CHECK(errors(annotated("container.apparmor.security.beta.kubernetes.io/c", "unconfined"))
              .empty());
    CHECK(errors(annotated("seccomp.security.alpha.kubernetes.io/pod", "runtime/default")).empty());
  }

  TEST_CASE("host namespaces do not go with what they contradict") {
    check_each({
        {in_spec(R"("shareProcessNamespace": true, "hostPID": true)"),
         "spec.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID "
         "cannot"},
        {in_spec(R"("hostUsers": false, "hostPID": true)"),
         "spec.hostPID: Forbidden: when `hostUsers` is false"},
        {in_spec(R"("hostUsers": false, "hostIPC": true)"), "spec.hostIPC: Forbidden"},
        {in_context(R"("procMount": "Unmasked")"),
         "spec.containers[0].securityContext.procMount: Invalid value: \"Unmasked\": `hostUsers` "
         "must "
         "be false to use `Unmasked`"},
        {in_spec(R"("hostNetwork": true, "hostname": "x")"), "spec.hostname: Invalid value: \"x\""},
    });
    CHECK(errors(pod_with(R"("hostUsers": false, )",
                          R"(, "securityContext": {"procMount": "Unmasked"})"))
              .empty());
  }

  TEST_CASE("sysctls are well named, once each, namespaced and safe unless allowed") {
    check_each({
        {with_sysctl("net.x+kernel.y"), "spec.securityContext.sysctls[0].name: Invalid value: "},
        {with_sysctl("kernel/../x"), "spec.securityContext.sysctls[0].name: Invalid value: "},
        {with_sysctl("kernel.core_pattern"),
         "spec.securityContext.sysctls[0].name: Forbidden: is not namespaced"},
        {with_sysctl("net.core.somaxconn"),
         "spec.securityContext.sysctls[0].name: Forbidden: is outside the safe set"},
        {with_sysctl("net.ipv4.tcp_syncookies", R"("hostNetwork": true, )"),
         "spec.securityContext.sysctls[0].name: Invalid value: \"net.ipv4.tcp_syncookies\": may "
         "not be"},
        {with_sysctl("kernel.shm_rmid_forced", R"("hostIPC": true, )"),
         "spec.securityContext.sysctls[0].name: Invalid value: \"kernel.shm_rmid_forced\": may not "
         "be"},
        {in_spec(
             R"("securityContext": {"sysctls": [{"name": "net.ipv4.tcp_syncookies", "value": "1"},
             {"name": "net.ipv4.tcp_syncookies", "value": "0"}]})"),
         "spec.securityContext.sysctls[1].name: Duplicate value"},
    });
    CHECK(errors(with_sysctl("net.ipv4.ip_unprivileged_port_start")).empty());
    CHECK(errors(with_sysctl("net/ipv4/tcp_syncookies")).empty());
    CHECK(errors(with_sysctl("net.core.somaxconn"), {{"net.core.*"}}).empty());
    CHECK(errors(with_sysctl("net.core.somaxconn"), {{"net.core.somaxconn"}}).empty());
    CHECK_FALSE(errors(with_sysctl("kernel.core_pattern"), {{"*"}}).empty());
  }

  TEST_CASE("names and addresses of the pod's own hosts file are plain") {
    check_each({
        {in_spec(R"("hostAliases": [{"ip": "x", "hostnames": ["a"]}])"),
         "spec.hostAliases[0].ip: Invalid value: \"x\": must be a valid IP address"},
        {in_spec(R"("hostAliases": [{"ip": "1.2.3.4", "hostnames": ["a b"]}])"),
         "spec.hostAliases[0].hostnames[0]: Invalid value: \"a b\""},
        {in_spec(R"("hostAliases": [{"ip": "1.2.3.4", "hostnames": ["a\n6.6.6.6 bank"]}])"),
         "spec.hostAliases[0].hostnames[0]: Invalid value: "},
        {in_spec(R"("hostname": "a.b")"),
         "spec.hostname: Invalid value: \"a.b\": must not contain dots"},
        {in_spec(R"("hostname": ")" + std::string(64, 'a') + "\""),
         "spec.hostname: Invalid value: "},
    });
  }

  TEST_CASE("grace and deadline have a range") {
    check_each({
        {in_spec(R"("terminationGracePeriodSeconds": -1)"),
         "spec.terminationGracePeriodSeconds: Invalid value: -1: must be between 0 and 2147483647"},
        {in_spec(R"("terminationGracePeriodSeconds": 1099511627776)"),
         "spec.terminationGracePeriodSeconds: Invalid value: 1099511627776"},
    });
    CHECK(errors(in_spec(R"("terminationGracePeriodSeconds": 0)")).empty());
  }

  TEST_CASE("all errors are told at once, in the order of the manifest") {
    Node pod = test::read_json(in_context(R"("runAsUser": -1, "privileged": "yes")"));
    Node& container = pod.find("spec")->find("containers")->items[0];
    Node& context = *container.find("securityContext");
    container.mark = {5, 5};
    container.set("name", Node::make_string("UP")).mark = {6, 9};
    context.find("runAsUser")->mark = {8, 18};
    context.find("privileged")->mark = {9, 19};
    const Diagnostics found = validate_pod(pod);
    REQUIRE(found.size() == 3);
    CHECK(found[0].mark.line == 6);
    CHECK(found[1].mark.line == 8);
    CHECK(found[2].mark.line == 9);
  }

  TEST_CASE("a missing field is marked at what should hold it, an unknown one at its key") {
    Node pod =
        test::read_json(R"({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c"}]}})");
    Node& container = pod.find("spec")->find("containers")->items[0];
    container.mark = {4, 5};
    container.set("extra", Node::make_integer(1)).mark = {5, 12};
    container.entries.back().key_mark = {5, 5};
    const Diagnostics found = validate_pod(pod);
    REQUIRE(found.size() == 2);
    CHECK(found[0].path == "spec.containers[0].image");
    CHECK((found[0].mark.line == 4 && found[0].mark.column == 5));
    CHECK((found[1].mark.line == 5 && found[1].mark.column == 5));
  }
}
