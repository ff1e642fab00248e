// An archive of docker save, read without skopeo, which takes several times as long: it unpacks
// what is compressed and reads it twice. For this room only.
#pragma once

#include "image/pull.hpp"

#include <set>
#include <string>

namespace pausa::image {

// Its blobs into the library and an index.json into the folder `layout`, as skopeo would leave
// them. False where that is skopeo's: another transport, a policy that asks for signatures, or an
// archive with more than one image or of an unusual form, of which skopeo says what is wrong with
// it. verified: gets the digests of blobs that nobody had before, computed here.
bool unarchive(const Library& library, const PullRequest& request, const std::string& layout,
               std::set<std::string>& verified);

}  // namespace pausa::image
