// Logins to registries out of Secrets (imagePullSecrets): the types kubernetes.io/dockerconfigjson
// and kubernetes.io/dockercfg, matched as the kubelet does it. Pure.
#pragma once

#include "image/reference.hpp"
#include "pod/object.hpp"

#include <string>
#include <vector>

namespace pausa::cli {

// Each the text of a containers-auth.json(5) with this one login. In the order in which they are to
// be tried: by secret, in each the most specific name first. A name may have a scheme, a port, "*"
// in parts of the host, and a path.
std::vector<std::string> logins_for(const image::Reference& reference,
                                    const std::vector<pod::Object>& secrets);

}  // namespace pausa::cli
