#!/usr/bin/env bash
# Without root: NetworkPolicies and named networks, in the network that the user's pods share.
source "$(dirname "${BASH_SOURCE[0]}")/../support/user-net.sh"
if command -v newuidmap >/dev/null; then subordinate_ids; fi

reached() { in_net "$1" busybox ping -c 1 -W 6 "$2" >/dev/null; }
cannot() { ! in_net "$1" busybox ping -c 1 -W 1 "$2" >/dev/null; }
tables() { in_net "$1" nft list tables; }

expect_exit 0 mine up -d "$(sleeper one)"
expect_exit 0 mine up -d "$(sleeper two)"
ip1=$(value one .status.podIP) six=$(value one '.status.podIPs[1].ip')
check "pods reach each other" reached two "$ip1"

# ---- a policy, on pods that live and on one that comes
closed=$(policy closed 'podSelector: {}')
chmod 644 "$closed"
expect_exit 0 mine up -d "$closed"
check "a policy keeps them apart" cannot two "$ip1"
check "by IPv6, too" cannot two "$six"
check "and lets them out" reached two 198.51.100.2
expect_exit 0 mine up -d "$(sleeper three)"
check "a new pod is under it" cannot three "$ip1"
check "and nobody reaches it" cannot one "$(value three .status.podIP)"
expect_exit 0 mine down -f "$closed"
check "without it they meet again" reached two "$ip1"
same "no rule is left" "" "$(tables two | grep policies || true)"

# ---- a network of another name
expect_exit 0 mine network create back --subnet 10.99.1.0/24
expect_exit 0 mine up -d --network back "$(sleeper back1)"
expect_exit 0 mine up -d --network back "$(sleeper back2)"
match "its pods have addresses of it" "$(value back1 .status.podIP)" '^10\.99\.1\.'
check "they reach each other" reached back1 "$(value back2 .status.podIP)"
check "and the world" reached back1 198.51.100.2
check "not the others" cannot back1 "$ip1"
expect_exit 1 mine network rm back
match "it is not removed while it has pods" "$errors" 'the network back has pods: default/back1, default/back2'
expect_exit 0 mine down back1 back2
expect_exit 0 mine network rm back
check "its interface goes with it" bash -c "! nsenter -t $(value one .pausa.infra.pid) -n ip link show pausa-back 2>/dev/null"
same "its name, too" default "$(mine network ls -o name)"
expect_exit 0 mine down --all
