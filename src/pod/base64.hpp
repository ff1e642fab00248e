// Base64 (RFC 4648, section 4) as Kubernetes has it in Secrets and binaryData. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pausa::pod {

std::string to_base64(std::string_view bytes);
// Empty when the text is no base64 with its padding. Line breaks in it do not count.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace pausa::pod
