#!/usr/bin/env bash
# What the kernel remembers of UDP does not outlive the pod to which it leads, though packets keep
# coming; an nft that hangs holds nobody up for long.
source "$(dirname "${BASH_SOURCE[0]}")/../support/net.sh"

# echoes NAME LABEL: a pod of that label; a server of its network says its name to each packet, on port 9000.
echoes() {
  up --network bridge "$(busybox_pod "$1" "app: $2" 'command: [sleep, "3600"]')"
  serve "$1"
}
# Until the pod's infra ends, so that the network does with it.
serve() {
  in_pod "$1" perl "$work/serve" "$1" "$(infra_pid "$1")" &
  eventually "it listens" listens "$1"
}
listens() { in_pod "$1" ss -Hlnu 'sport = 9000' | grep -q .; }
cat <<'PERL' >"$work/serve"
use Socket ":all"; my ($name, $infra) = @ARGV; my $v6 = -e "/proc/sys/net/ipv6";
socket(my $s, $v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
bind($s, $v6 ? sockaddr_in6(9000, IN6ADDR_ANY) : sockaddr_in(9000, INADDR_ANY)) or die;
setsockopt($s, SOL_SOCKET, SO_RCVTIMEO, pack("qq", 0, 100000));
while (-d "/proc/$infra/fd") { my $from = recv($s, my $text, 99, 0) or next; send($s, "$name\n", 0, $from); }
PERL
# From one port, without a pause: a line for each answer that is another than the last.
cat <<'PERL' >"$work/talk"
use Socket ":all"; $| = 1; my ($to, $port) = @ARGV; my $last = "";
my $there = $to =~ /:/ ? sockaddr_in6($port, inet_pton(AF_INET6, $to)) : sockaddr_in($port, inet_aton($to));
socket(my $s, $to =~ /:/ ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
bind($s, $to =~ /:/ ? sockaddr_in6(7776, IN6ADDR_ANY) : sockaddr_in(7777, INADDR_ANY)) or die;
setsockopt($s, SOL_SOCKET, SO_RCVTIMEO, pack("qq", 0, 100000));
for (1 .. 600) {
  send($s, "\n", 0, $there);
  next unless defined recv($s, my $text, 99, 0);
  chomp $text; print "$text\n" if $text ne $last; $last = $text; select undef, undef, undef, 0.05;
}
PERL
heard() { local file; for file in "$work"/heard.*; do [[ $(tail -n 1 "$file") == "$1" ]] || return; done; }

up --network bridge "$(sleeper client)"
echoes one here
echoes two away
cat <<YAML >"$work/service.yaml"
apiVersion: v1
kind: Service
metadata: {name: udp}
spec: {ipFamilyPolicy: PreferDualStack, selector: {app: here}, ports: [{port: 53, targetPort: 9000, protocol: UDP}]}
YAML
expect_exit 0 pausa up -d "$work/service.yaml"
talkers=()
for address in $(pausa service ls -o json | jq -r '.items[0].spec.clusterIPs[]'); do
  in_pod client perl "$work/talk" "$address" 53 >"$work/heard.$address" &
  talkers+=($!)
done
eventually "a Service of UDP is answered, by all its addresses" heard one
sed -i 's/app: away/app: here/' "$work/two.yaml"
expect_exit 0 pausa up -d --network bridge "$work/two.yaml"
expect_exit 0 pausa stop one
eventually "when its pod is gone, what goes on without a pause is another's" heard two
sed -i 's/app: here/app: away/' "$work/two.yaml"
expect_exit 0 pausa up -d --network bridge "$work/two.yaml"
expect_exit 0 pausa start one
serve one
eventually "likewise when the pod lives and is no longer behind it" heard one
kill "${talkers[@]}"
wait "${talkers[@]}" 2>/dev/null || true

# ---- what was established before the pod starts again is not for its policy
away() { policy closed 'podSelector: {matchLabels: {app: away}}' "ingress: [$1]"; }
answers() {
  in_pod client perl -MSocket -e 'socket(S, AF_INET, SOCK_DGRAM, 0); bind(S, sockaddr_in(7778, INADDR_ANY)) or die; alarm 2;
    send(S, "\n", 0, sockaddr_in(9000, inet_aton($ARGV[0]))); recv(S, my $text, 99, 0); print $text' "$two" 2>/dev/null || true
}
two=$(field two .status.podIP)
expect_exit 0 pausa up -d "$(away '{}')"
same "who may is answered" two "$(answers)"
same "twice" two "$(answers)"
expect_exit 0 pausa stop two
expect_exit 0 pausa up -d "$(away '')"
expect_exit 0 pausa start two
serve two
same "who may no longer is not, from the same port" "" "$(answers)"
expect_exit 0 pausa down -f "$(away '')"
same "without a policy he is" two "$(answers)"

# ---- nft hangs
cat <<'SH' >"$work/nft"
#!/bin/sh
exec sleep 60
SH
chmod +x "$work/nft"
mount --bind "$work/nft" "$(command -v nft)"
closed=$(policy closed 'podSelector: {}')
started=$(now_ms)
expect_exit 1 pausa up -d "$closed"
between "an nft that hangs is ended" 9000 $(($(now_ms) - started)) 30000
match "and up says so" "$errors" "nft has said and done nothing for 10 s, and was ended"
umount "$(command -v nft)"
same "the policy is not there" "" "$(pausa policy ls -o name)"
expect_exit 0 pausa down --all
expect_exit 0 pausa down -f "$work/service.yaml"
expect_exit 0 pausa reset --yes
