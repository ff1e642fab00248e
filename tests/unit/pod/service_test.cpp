#include "pod/service.hpp"

#include "pod/object.hpp"
#include "pod/value.hpp"
#include "support/json_node.hpp"

#include <doctest/doctest.h>

using namespace pausa::pod;
using namespace pausa;

namespace {

Object read(const std::string& spec) {
  return decode_object(test::read_json(R"({"metadata": {"name": "web"}, "spec": )" + spec + "}"),
                       ObjectKind::service);
}
// Its faults, one a line.
std::string judge(const std::string& spec) {
  std::string text;
  const auto node = test::read_json(R"({"apiVersion": "v1", "kind": "Service",
      "metadata": {"name": "web"}, "spec": )" +
                                    spec + "}");
  for (const auto& fault : validate_object(node, ObjectKind::service))
    if (fault.severity == Severity::error) text += message(fault) + "\n";
  return text;
}

EndpointPod pod_named(const std::string& name, bool ready) {
  EndpointPod pod;
  pod.namespace_ = "default";
  pod.name = name;
  pod.labels = {{"app", "web"}, {"tier", "front"}};
  pod.addresses = {"10.86.0.2"};
  pod.ready = ready;
  pod.ports = {{"http", 8080, 0, "", Protocol::tcp}};
  return pod;
}

}  // namespace

TEST_SUITE_BEGIN("pod/service");

TEST_CASE("a Service comes back as it was, with its defaults") {
  const auto object = read(R"({"selector": {"app": "web"}, "ports": [{"port": 80}]})");
  const auto& service = *object.service;
  CHECK(service.has_address());
  CHECK(service.ports[0].target.number == 80);
  CHECK(to_json(object_node(object)) ==
        to_json(object_node(decode_object(object_node(object), ObjectKind::service))));
  const auto none = read(R"({"clusterIP": "None", "ports": [{"port": 80, "targetPort": "http"}]})");
  CHECK(none.service->headless);
  CHECK_FALSE(none.service->has_address());
  CHECK(none.service->ports[0].target.name == "http");
}

TEST_CASE("Kubernetes' rules for Services") {
  CHECK(judge(R"({"ports": [{"port": 80}]})") == "");
  CHECK(judge(R"({"ports": []})") == "spec.ports: Required value\n");
  CHECK(judge(R"({"clusterIP": "None"})") == "");
  CHECK(judge(R"({"type": "ExternalName"})") == "spec.externalName: Required value\n");
  CHECK(judge(R"({"type": "ExternalName", "externalName": "example.com"})") == "");
  CHECK(judge(R"({"ports": [{"port": 0}]})") ==
        "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive\n");
  CHECK(judge(R"({"ports": [{"port": 1}, {"port": 2}]})") ==
        "spec.ports[0].name: Required value\nspec.ports[1].name: Required value\n");
  CHECK(judge(R"({"ports": [{"name": "a", "port": 1}, {"name": "a", "port": 2}]})") ==
        "spec.ports[1].name: Duplicate value: \"a\"\n");
  CHECK(judge(R"({"ports": [{"port": 1, "nodePort": 30000}]})") ==
        "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'\n");
  CHECK(judge(R"({"type": "NodePort", "ports": [{"port": 1, "nodePort": 80}]})")
            .find("The range of valid ports is 30000-32767") != std::string::npos);
  CHECK(judge(R"({"type": "NodePort", "clusterIP": "None", "ports": [{"port": 1}]})")
            .find("may not be set to 'None' for NodePort services") != std::string::npos);
  CHECK(judge(R"({"clusterIP": "x", "ports": [{"port": 1}]})")
            .starts_with("spec.clusterIP: Invalid value: \"x\": must be a valid IP address"));
  CHECK(judge(R"({"sessionAffinity": "Client", "ports": [{"port": 1}]})") ==
        "spec.sessionAffinity: Unsupported value: \"Client\": supported values: \"ClientIP\", "
        "\"None\"\n");
  CHECK(judge(R"({"sessionAffinity": "ClientIP", "ports": [{"port": 1}],
      "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 90000}}})") ==
        "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 90000: must be greater "
        "than 0 and less than 86400\n");
  CHECK(judge(R"({"ports": [{"port": 1, "targetPort": "8"}]})").find("targetPort: Invalid value") !=
        std::string::npos);
  CHECK(judge(R"({"type": "LoadBalancer", "ports": [{"port": 1}]})").find("use NodePort") !=
        std::string::npos);
  CHECK(judge(R"({"selecter": {}, "ports": [{"port": 1}]})").find("selecter") != std::string::npos);
}

TEST_CASE("Kubernetes' rules for the addresses of Services and their families") {
  const auto judged = [](const std::string& fields) {
    return judge("{\"ports\": [{\"port\": 1}], " + fields + "}");
  };
  CHECK(judged(R"("ipFamilies": ["IPv6"])") == "");
  CHECK(judged(R"("ipFamilyPolicy": "PreferDualStack")") == "");
  CHECK(judged(R"("ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv6", "IPv4"],
      "clusterIP": "fd00::7", "clusterIPs": ["fd00::7", "10.96.0.7"])") == "");
  CHECK(judged(R"("ipFamilies": ["IPv4", "IPv6"])") ==
        "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or "
        "'PreferDualStack' when multiple IP families are specified\n");
  CHECK(judged(R"("clusterIP": "10.96.0.7", "clusterIPs": ["10.96.0.7", "fd00::7"])")
            .find("when multiple cluster IPs are specified") != std::string::npos);
  CHECK(judged(R"("clusterIPs": ["10.96.0.7"])") ==
        "spec.clusterIPs: Invalid value: [\"10.96.0.7\"]: must be empty when `clusterIP` is not "
        "specified\n");
  CHECK(judged(R"("clusterIP": "10.96.0.7", "clusterIPs": ["10.96.0.8"])")
            .find("first value must match `clusterIP`") != std::string::npos);
  CHECK(judged(R"("ipFamilyPolicy": "RequireDualStack", "clusterIP": "10.96.0.7",
      "clusterIPs": ["10.96.0.7", "10.96.0.8"])")
            .find("no more than one IP for each IP family") != std::string::npos);
  CHECK(judged(R"("clusterIP": "None", "clusterIPs": ["None", "10.96.0.8"])")
            .find("'None' must be the first and only value") != std::string::npos);
  CHECK(judged(R"("ipFamilies": ["IPv6"], "clusterIP": "10.96.0.7")") ==
        "spec.clusterIP: Invalid value: \"10.96.0.7\": expected an IPv6 value as indicated by "
        "`ipFamilies[0]`\n");
  CHECK(judged(R"("ipFamilies": ["IPv6", "IPv6"], "ipFamilyPolicy": "PreferDualStack")") ==
        "spec.ipFamilies[1]: Duplicate value: \"IPv6\"\n");
  CHECK(judged(R"("ipFamilies": ["IPv5"])").find("Unsupported value: \"IPv5\"") !=
        std::string::npos);
  CHECK(judged(R"("clusterIP": "None", "ipFamilies": ["IPv4", "IPv6"])") == "");
  CHECK(judged(R"("clusterIP": "None", "selector": {"a": "b"}, "ipFamilies": ["IPv4", "IPv6"])") !=
        "");
  CHECK(judge(R"({"type": "ExternalName", "externalName": "a.example", "ipFamilies": ["IPv4"],
      "ipFamilyPolicy": "SingleStack"})") ==
        "spec.ipFamilies: Forbidden: may not be set for ExternalName services\n"
        "spec.ipFamilyPolicy: Forbidden: may not be set for ExternalName services\n");
}

TEST_CASE("the families of a Service follow from what it asks for, and from the machine") {
  const auto families = [](const std::string& fields, bool both) {
    std::string text;
    for (const auto family :
         read("{\"ports\": [{\"port\": 1}]" + fields + "}").service->families(both))
      text += family == IpFamily::v6 ? '6' : '4';
    return text;
  };
  CHECK(families("", true) == "4");
  CHECK(families(R"(, "ipFamilies": ["IPv6"])", true) == "6");
  CHECK(families(R"(, "clusterIP": "fd00::7")", true) == "6");
  CHECK(families(R"(, "ipFamilyPolicy": "PreferDualStack")", true) == "46");
  CHECK(families(R"(, "ipFamilyPolicy": "PreferDualStack")", false) == "4");
  CHECK(families(R"(, "ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv6"])", true) == "64");
  CHECK(families(R"(, "ipFamilyPolicy": "RequireDualStack", "clusterIP": "fd00::7")", true) ==
        "64");
}

TEST_CASE("a Service keeps the addresses that it was given, in the families that it wants") {
  const auto before = *read(R"({"ports": [{"port": 1}], "ipFamilyPolicy": "PreferDualStack",
      "clusterIP": "10.96.0.7", "clusterIPs": ["10.96.0.7", "fd00::7"]})")
                           .service;
  const auto kept = [&before](const std::string& fields) {
    auto service = *read("{\"ports\": [{\"port\": 1}]" + fields + "}").service;
    service.keep_addresses(before);
    std::string text;
    for (const auto& address : service.cluster_ips) text += address + " ";
    return text;
  };
  CHECK(kept("") == "10.96.0.7 ");
  CHECK(kept(R"(, "ipFamilyPolicy": "PreferDualStack")") == "10.96.0.7 fd00::7 ");
  CHECK(kept(R"(, "ipFamilies": ["IPv6"])") == "fd00::7 ");
  CHECK(kept(R"(, "ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv6"])") ==
        "fd00::7 10.96.0.7 ");
  CHECK(kept(R"(, "clusterIP": "10.96.0.8", "ipFamilyPolicy": "PreferDualStack")") ==
        "10.96.0.8 fd00::7 ");
  CHECK(kept(R"(, "clusterIP": "None")") == "");
}

TEST_CASE("behind a Service are the pods that it selects and that are ready") {
  std::vector<EndpointPod> pods{pod_named("a", true), pod_named("b", false), pod_named("c", true),
                                pod_named("d", true), pod_named("e", true)};
  pods[2].namespace_ = "other";
  pods[3].labels = {{"app", "db"}};
  pods[4].gone = true;
  auto service =
      *read(R"({"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]})")
           .service;
  const auto names = [&] {
    std::string text;
    for (const auto* pod : endpoints_of(service, "default", pods)) text += pod->name;
    return text;
  };
  CHECK(names() == "a");
  service.publish_not_ready = true;
  CHECK(names() == "ab");
  CHECK(target_port(service.ports[0], pods[0]) == 8080);
  pods[0].ports.clear();
  CHECK(target_port(service.ports[0], pods[0]) == 0);
  service.selector.clear();
  CHECK(names() == "");
}

TEST_CASE("the variables of a Service") {
  const auto object = read(R"({"clusterIP": "10.96.0.7", "ports":
      [{"name": "http", "port": 80}, {"name": "metrics", "port": 9090, "protocol": "UDP"}]})");
  KeyValues variables;
  add_service_links("my-db", *object.service, variables);
  std::string text;
  for (const auto& [name, value] : variables) text += name + "=" + value + "\n";
  CHECK(text ==
        "MY_DB_SERVICE_HOST=10.96.0.7\nMY_DB_SERVICE_PORT=80\nMY_DB_SERVICE_PORT_HTTP=80\n"
        "MY_DB_SERVICE_PORT_METRICS=9090\nMY_DB_PORT=tcp://10.96.0.7:80\n"
        "MY_DB_PORT_80_TCP=tcp://10.96.0.7:80\nMY_DB_PORT_80_TCP_PROTO=tcp\n"
        "MY_DB_PORT_80_TCP_PORT=80\nMY_DB_PORT_80_TCP_ADDR=10.96.0.7\n"
        "MY_DB_PORT_9090_UDP=udp://10.96.0.7:9090\nMY_DB_PORT_9090_UDP_PROTO=udp\n"
        "MY_DB_PORT_9090_UDP_PORT=9090\nMY_DB_PORT_9090_UDP_ADDR=10.96.0.7\n");
  variables.clear();
  add_service_links("six", *read(R"({"clusterIP": "fd00::7", "ports": [{"port": 80}]})").service,
                    variables);
  CHECK(variables[0].second == "fd00::7");
  CHECK(variables[2].second == "tcp://[fd00::7]:80");
  variables.clear();
  add_service_links("none", *read(R"({"clusterIP": "None", "ports": [{"port": 80}]})").service,
                    variables);
  CHECK(variables.empty());
}

TEST_SUITE_END();
