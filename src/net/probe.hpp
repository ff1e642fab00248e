// What this kernel has of what the network of pods takes, found out by making the real thing in the
// new network namespace of a child that ends right after. Each answer is an errno, 0 when it
// worked. with in_user_namespace: as an unprivileged user makes it. For single-threaded callers.
#pragma once

namespace pausa::net {

int probe_bridge(bool in_user_namespace);
// A pair of interfaces.
int probe_veth(bool in_user_namespace);
// The very rules of a bridge, by nft(8): they take several modules of nf_tables.
int probe_rules(bool in_user_namespace);
// Rules of NetworkPolicies, likewise: they take the family bridge of nf_tables, too.
int probe_policies(bool in_user_namespace);

// Whether new interfaces here may have addresses of IPv6.
bool has_ipv6();

}  // namespace pausa::net
