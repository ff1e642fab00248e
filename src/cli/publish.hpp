// `--publish`: ports of the host in place of those that the manifest names.
#pragma once

#include "manifest/load.hpp"

#include <string>
#include <vector>

namespace pausa::cli {

// "[ADDRESS:]HOSTPORT:PORT[/udp]" for the container that declares PORT, else for the first one; the
// pod is as if its manifest said so. Throws UsageError.
void publish(const std::string& text, manifest::LoadedPod& pod);

// The pod's published ports as lines "80/tcp -> 0.0.0.0:8080"; with a port ("80", "53/udp") only
// the addresses of that one.
std::vector<std::string> port_lines(const pod::Spec& spec, const std::string& only);

// The first TCP port (or the one that is asked for) as a URL; empty: there is none.
std::string port_url(const pod::Spec& spec, const std::string& only);

}  // namespace pausa::cli
