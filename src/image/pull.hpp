// Brings an image into the library: skopeo carries it from where it is (registry, archive, layout,
// another store; authentication, mirrors, signatures and registries.conf are its business), we
// compare every digest, and each layer is unpacked by a confined process of its own (pausa-unpack).
// What was killed half way leaves nothing that counts, and its parts are used by the next attempt.
#pragma once

#include "image/library.hpp"

#include <functional>
#include <string>
#include <vector>

namespace pausa::image {

struct PullRequest {
  std::string source;    // as skopeo spells it: docker://NAME, oci:DIR:TAG, docker-archive:FILE …
  std::string name;      // under which it is kept: Reference::full()
  std::string unpacker;  // the path of pausa-unpack
  bool verify_tls = true;
  std::string policy;     // a policy.json(5) instead of the machine's; empty: the machine's
  bool host_root = true;  // we are root outside of any user namespace
  std::string login;      // the text of a containers-auth.json(5); empty: the machine's own logins
  // The folder in which blobs grow, one file each; how many layers of how many are unpacked.
  std::function<void(const std::string& folder)> fetching;
  std::function<void(std::size_t done, std::size_t all)> unpacking;
};

// Throws sys::Error with what the registry, skopeo or the unpacker said. When another process
// brings an image of this name, it is waited for instead; should it fail or be killed, we try.
void pull(const Library& library, const PullRequest& request);

// What the source says that the name is: the digest of the registry's own document, which may be an
// index of several architectures, or be turned into another one on its way into our layout. Of the
// request `source`, `verify_tls`, `policy` and `login` count. Throws sys::Error.
std::string remote_digest(const PullRequest& request);

}  // namespace pausa::image
