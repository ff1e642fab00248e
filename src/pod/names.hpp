// Rules for names, as Kubernetes words them. Each check returns what is wrong with the text,
// nothing when it is right. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pausa::pod {

using Faults = std::vector<std::string>;

Faults dns_label_faults(std::string_view text);      // RFC 1123, at most 63: "web"
Faults dns_subdomain_faults(std::string_view text);  // RFC 1123, at most 253: "web.example.com"
Faults dns_1035_label_faults(std::string_view text);
Faults qualified_name_faults(std::string_view text);  // [prefix/]name, as label keys have
Faults label_value_faults(std::string_view text);
Faults port_name_faults(std::string_view text);
Faults env_name_faults(std::string_view text);
Faults config_key_faults(std::string_view text);  // of a ConfigMap or Secret
Faults http_header_faults(std::string_view text);
Faults search_domain_faults(std::string_view text);
Faults ip_faults(std::string_view text);

bool is_ip(std::string_view text);

}  // namespace pausa::pod
