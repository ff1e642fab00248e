#!/usr/bin/env bash
# Machines that lack a part of what the network of pods takes: nft, IPv6, IPv4, the privilege. Pods
# get the best that is left, and a note; who asked for more gets an error; `doctor` names the part.
source "$(dirname "${BASH_SOURCE[0]}")/../support/net.sh"

nft_program=$(readlink -f "$(command -v nft)")
server() { # NAME [FIELD: VALUE]…: answers NAME at 7000 of both families
  {
    printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: %s, labels: {app: %s}}\nspec:\n' "$1" "$1"
    printf '  %s\n' "${@:2}"
    printf '  containers:\n  - name: a\n    image: busybox\n    ports: [{containerPort: 7000, hostPort: 8080}]\n'
    printf '    command: [sh, -c, "exec nc -ll -p 7000 -e echo %s"]\n' "$1"
  } | manifest "$1"
}
answers() { [[ $("$@" 2>/dev/null </dev/null) == web ]]; }

# ---- all is there
expect_exit '0 1' pausa doctor
for part in bridge veth nf_tables "nf_tables bridge" IPv6; do match "doctor tried: $part" "$output" "ok +$part"; done

# ---- no nft: the pods reach each other and are reached, the world is not there
mount --bind /dev/null "$nft_program"
expect_exit '0 1' pausa doctor
match "doctor names nft and its package" "$output" 'nft .*not installed' 'apt install nftables'
expect_exit 0 env PAUSA_NETWORK=bridge "$PAUSA" up -d "$(server web)"
match "a note says what is missing" "$errors" 'reach nothing beyond this machine: .*nft is not installed' \
  'nftables'
up --network bridge "$(sleeper b)"
eventually "another pod reaches it" answers in_pod b busybox nc -w 3 "$(field web .status.podIP)" 7000
eventually "its port is reached all the same" answers busybox nc -w 3 127.0.0.1 8080
differs "the host's loopback leads nowhere without rules" 1 "$(</proc/sys/net/ipv4/conf/pausa0/route_localnet)"
service=$(manifest svc <<'YAML'
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 7000}]}
YAML
)
expect_exit 1 pausa up -d "$service"
match "a Service needs it" "$errors" 'nft is not installed' 'nftables'
expect_exit 4 pausa service describe web
umount "$nft_program"
expect_exit 0 pausa down b
up --network bridge "$(sleeper b)"
eventually "as soon as it is there, the world is, too" reaches b 198.51.100.2
expect_exit 0 pausa down web b
expect_exit 0 pausa reset --yes

# ---- a kernel without the family bridge of nf_tables
cp "$nft_program" "$work/real-nft"
cat >"$work/nft" <<SH
#!/bin/sh
rules=\$(cat)
case \$rules in *"table bridge"*) echo "Error: Could not process rule: Operation not supported" >&2; exit 1 ;; esac
echo "\$rules" | exec "$work/real-nft" "\$@"
SH
chmod 755 "$work/nft"
mount --bind "$work/nft" "$nft_program"
expect_exit '0 1' pausa doctor
match "doctor says that NetworkPolicies have no rules" "$output" "ok +nf_tables " \
  'warning +nf_tables bridge .*CONFIG_NF_TABLES_BRIDGE'
umount "$nft_program"

# ---- the host has no IPv6
for all in all default; do echo 1 >/proc/sys/net/ipv6/conf/$all/disable_ipv6; done
expect_exit '0 1' pausa doctor
match "doctor says so" "$output" 'note +IPv6 .*IPv4 only'
up --network bridge "$(server web)"
same "the pod has one address" 1 "$(field web '.status.podIPs | length')"
eventually "and is reached there" answers busybox nc -w 3 "$(field web .status.podIP)" 7000
eventually "and by its port from outside" answers outside busybox nc -w 3 198.51.100.1 8080
eventually "it reaches the world" reaches web 198.51.100.2
expect_exit 1 pausa up -d "$(service front 'ipFamilies: [IPv6]' 'selector: {app: web}' 'ports: [{port: 80}]')"
match "a Service that asks for IPv6 is refused" "$errors" 'service/front: this machine has no IPv6'
expect_exit 0 pausa up -d "$(service front 'ipFamilyPolicy: PreferDualStack' 'selector: {app: web}' 'ports: [{port: 80}]')"
same "one that prefers both has one address" '["IPv4"]' "$(pausa service ls -o json | jq -c '.items[0].spec.ipFamilies')"
expect_exit 0 pausa down service/front
expect_exit 0 pausa down web
expect_exit 0 pausa reset --yes
for all in all default; do echo 0 >/proc/sys/net/ipv6/conf/$all/disable_ipv6; done

# ---- the host has nothing but IPv6
ip -6 address add 2001:db8:51::1/64 dev eth9 nodad
ip -6 route replace default via 2001:db8:51::2
ip -4 route flush dev eth9
ip -4 address flush dev eth9
outside ip -4 address flush dev eth9
up --network bridge "$(server web)"
eventually "a pod reaches the world by IPv6" reaches web 2001:db8:51::2
eventually "its port is reached from outside" answers outside busybox nc -w 3 2001:db8:51::1 8080
mapped() { [[ $(nft list map inet pausa-pausa0 any6) == *"tcp . 8080 : "* ]]; }
eventually "by the kernel, too" mapped
eventually "still" answers outside busybox nc -w 3 2001:db8:51::1 8080
eventually "and from the host" answers busybox nc -w 3 ::1 8080
v6=$(field web '.status.podIPs[1].ip')
up --network bridge "$(sleeper b)"
eventually "and from a pod" answers in_pod b busybox nc -w 3 "$v6" 7000
expect_exit 0 pausa up -d "$(service front 'ipFamilies: [IPv6]' 'selector: {app: web}' 'ports: [{port: 80, targetPort: 7000}]')"
front=$(pausa service ls -o json | jq -r '.items[0].spec.clusterIP')
eventually "and by a Service of IPv6" answers in_pod b busybox nc -w 3 "$front" 80
eventually "also from the host" answers busybox nc -w 3 "$front" 80
expect_exit 0 pausa down service/front
same "the host's address is its only one" 2001:db8:51::1 "$(field web .status.hostIP)"
expect_exit 0 pausa down web b
expect_exit 0 pausa reset --yes

# ---- without the privilege
unprivileged() { setpriv --bounding-set -net_admin --inh-caps -net_admin "$PAUSA" "$@"; }
expect_exit 1 unprivileged up -d --network bridge "$(sleeper c)"
match "what was asked for is an error" "$errors" 'CAP_NET_ADMIN'
expect_exit 4 pausa inspect c
