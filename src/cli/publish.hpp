// `--publish`: ports of the host beside those that the manifest names.
#pragma once

#include "manifest/load.hpp"
#include "state/store.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace pausa::cli {

// Each "[ADDRESS:]HOSTPORT:PORT[/udp]", for the container that declares PORT, else for the first
// one; the pod is as if its manifest said so. Without ADDRESS a port's hostIP holds; a PORT with a
// hostPort has both. Throws UsageError, also when a port of the host is given twice.
void publish(const std::vector<std::string>& texts, manifest::LoadedPod& pod);

// The ports of the pod, TCP, that these words name. Throws UsageError.
std::vector<std::uint16_t> ports_to_publish(const std::vector<std::string>& words);

// `--ports auto`: every port that the pods declare and that has none of the host's gets one that
// follows from project, pod and port, so that it is the same each time; where that one is taken,
// the next. A pod that runs keeps those that it has. project: the folder that the manifest is in.
void publish_all(const state::Store& store, const std::string& project, manifest::LoadedPod& pod,
                 std::vector<std::uint16_t>& taken);
// The host's ports that the manifests ask for by number.
std::vector<std::uint16_t> asked_ports(const std::vector<manifest::LoadedPod>& pods);

// The pod's published ports as lines "80/tcp -> 0.0.0.0:8080"; with a port ("80", "53/udp") only
// the addresses of that one.
std::vector<std::string> port_lines(const pod::Spec& spec, const std::string& only);

// The first TCP port (or the one that is asked for) as a URL; empty: there is none.
std::string port_url(const pod::Spec& spec, const std::string& only);

// Assignments for a shell, of every published port: SHOP_WEB_HOST, SHOP_WEB_PORT and, of TCP,
// SHOP_WEB_URL, for the port "web" (or SHOP_80_PORT, when it has no name) of the pod "shop".
std::vector<std::string> port_assignments(const std::string& pod, const pod::Spec& spec,
                                          const std::string& only);

}  // namespace pausa::cli
