#!/usr/bin/env bash
# Pods on a bridge: addresses, each other, the world, and what is left when things go wrong.
source "$(dirname "${BASH_SOURCE[0]}")/../support/net.sh"

# ---- nothing without being asked: this run root is not the system's
up "$(sleeper quiet)"
same "a pod of another run root has a loopback only" 127.0.0.1 "$(field quiet .status.podIP)"
check "no bridge is made for it" test ! -e /proc/sys/net/ipv4/conf/pausa0
expect_exit 2 pausa up -d --network host0 "$(sleeper wrong)"
match "an unknown network is refused" "$errors" 'there is no network host0' 'bridge, pasta, none, host'

# ---- two pods, each other, the world
up --network bridge "$(sleeper one)"
up --network bridge "$(sleeper two)"
ip1=$(field one .status.podIP) ip2=$(field two .status.podIP)
match "a pod has an address of the bridge" "$ip1" '^10\.86\.0\.'
differs "each has its own" "$ip1" "$ip2"
match "ps -o wide has it" "$(pausa ps -o wide)" "one .* ${ip1//./\\.} "
same "so has a format of one's own" "$ip2" "$(pausa ps --format '{{.ip}}' two)"
same "status has both families" 2 "$(field one '.status.podIPs | length')"
six=$(field one '.status.podIPs[1].ip')
same "hostIP is the host's" 198.51.100.1 "$(field one .status.hostIP)"
same "/etc/hosts has the pod under its name" "$ip1" \
  "$(pausa exec one -- awk '$2 == "one" { print $1; exit }' /etc/hosts)"
same "the kernel says the same" "$ip1" \
  "$(in_pod one ip -j -4 address show eth0 | jq -r '.[0].addr_info[0].local')"
check "a pod reaches another" reaches two "$ip1"
check "by IPv6, too" reaches two "$six"
check "and the host" reaches two 198.51.100.1
same "the bridge takes large packets" 57000 "$(in_pod two ip -j link show eth0 | jq ".[0].mtu")"
way() { in_pod two ip route get "$1" | grep -o 'mtu [0-9]*'; }
same "the world as large ones as it can" "mtu 1500" "$(way 198.51.100.2)"
same "but not the host, which is as near" "" "$(way 198.51.100.1)"
check "what is larger gets there at once" in_pod two busybox ping -c 1 -W 2 -s 5000 198.51.100.2
check "and the world" reaches two 198.51.100.2
check "by IPv6, too" reaches two 2001:db8:51::2
same "what is sent out has the host's address" 198.51.100.1 "$(
  outside timeout 5 busybox nc -l -p 7000 -e true >/dev/null 2>&1 &
  outside timeout 5 nft add table ip seen
  outside nft add chain ip seen in '{ type filter hook input priority 0; }'
  outside nft add set ip seen who '{ type ipv4_addr; flags dynamic; }'
  outside nft add rule ip seen in tcp dport 7000 add @who '{ ip saddr }'
  pausa exec two -- nc -w 2 198.51.100.2 7000 </dev/null >/dev/null 2>&1 || true
  outside nft -j list set ip seen who | jq -r '.nftables[] | .set?.elem? // empty | .[0]'
)"

# ---- the world does not get in, and nothing from a pod reaches the host's loopback
outside ip route add 10.86.0.0/16 via 198.51.100.1
run outside busybox ping -c 1 -W 1 "$ip1"
same "the world does not reach a pod by its address" 1 "$code"
same "the bridge leads the host's loopback to pods" 1 "$(</proc/sys/net/ipv4/conf/pausa0/route_localnet)"
up --network bridge "$(sleeper evil)"
gateway=$(in_pod evil ip -j route | jq -r '.[] | select(.dst == "default").gateway')
in_pod evil ip address delete 127.0.0.1/8 dev lo
in_pod evil ip route add 127.0.0.1 via "$gateway"
in_pod evil sh -c 'echo 1 >/proc/sys/net/ipv4/conf/eth0/route_localnet'
busybox nc -ll -p 7100 -e echo host >"$work/nc" 2>&1 &
listener=$!
knock() { [[ $(in_pod evil busybox nc -w 1 127.0.0.1 7100 </dev/null) == host ]]; }
run knock
same "a pod does not reach the host's loopback by it (CVE-2020-8558)" 1 "$code"

# ---- the host's network is damaged and put right by the next command that starts a pod
nft flush ruleset
eventually "without the rules it would" knock
kill $listener
expect_exit 0 pausa down evil
ip link delete pausa0
up --network bridge "$(sleeper three)"
check "a pod of before has its port again" reaches three "$ip1"
check "and reaches the world" reaches one 198.51.100.2
from_outside() { outside busybox ping -c 1 -W 1 "$ip1" >/dev/null; }
for repair in "$(sleeper four)" "$work/one.yaml"; do
  nft flush table inet pausa-pausa0
  eventually "without rules in the table the world reaches a pod" from_outside
  expect_exit 0 pausa up -d --network bridge "$repair"
  check "after an up it does not" eval '! from_outside'
done
expect_exit 0 pausa down four

# ---- a pod's own interface: by the next up of it, or by its next supervisor
port_of() { ip -o link show type veth | sed -n "s/.*\(pausa$(field "$1" .metadata.uid | tr -d - | head -c 10)\)@.*/\1/p"; }
ip link delete "$(port_of one)"
expect_exit 0 pausa up -d "$work/one.yaml"
check "an up that changes nothing gives a pod its interface back" reaches three "$ip1"
ip link delete "$(port_of one)"
kill -9 "$(field one .pausa.supervisor.pid)"
eventually "the next supervisor does" reaches three "$ip1"
eventually "it reaches the world" reaches one 198.51.100.2

# ---- a restart keeps the address; so does the death of infra
expect_exit 0 pausa stop -t 0 two
expect_exit 0 pausa start two
same "stop and start keep the address" "$ip2" "$(field two .status.podIP)"
check "it works again" reaches one "$ip2"
infra=$(infra_pid one)
kill -9 "$infra"
has_address() {
  [[ $(infra_pid one) == [1-9]* && $(infra_pid one) != "$infra" ]] &&
    in_pod one ip -4 address show eth0 | grep -qF "$ip1"
}
eventually "a new sandbox has the old address" has_address
eventually "it works again" reaches three "$ip1"
kill -9 "$(field one .pausa.supervisor.pid)"
eventually "the next supervisor finds all as it was" reaches one "$ip2"

# ---- the end
same "four pods, three leases" 3 "$(leases)"
expect_exit 0 pausa down one two three quiet
same "no lease is left" 0 "$(leases)"
eventually "no port is left" no_port
check "the bridge stays for the next" test -e /proc/sys/net/ipv4/conf/pausa0
expect_exit 0 pausa reset --yes
check "reset removes it" test ! -e /proc/sys/net/ipv4/conf/pausa0
same "with the rules" "" "$(nft list ruleset)"
