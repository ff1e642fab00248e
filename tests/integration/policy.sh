#!/usr/bin/env bash
# NetworkPolicies: who may reach whom, by label, namespace, address and port, in both families; what
# follows a change; what is left when somebody is killed or the rules are taken away.
# Fields: NetworkPolicy.apiVersion NetworkPolicy.kind NetworkPolicy.metadata NetworkPolicy.spec
# Fields: NetworkPolicySpec.podSelector NetworkPolicySpec.policyTypes NetworkPolicySpec.ingress NetworkPolicySpec.egress
# Fields: NetworkPolicyIngressRule.from NetworkPolicyIngressRule.ports NetworkPolicyEgressRule.to NetworkPolicyEgressRule.ports
# Fields: NetworkPolicyPeer.podSelector NetworkPolicyPeer.namespaceSelector NetworkPolicyPeer.ipBlock
# Fields: IPBlock.cidr IPBlock.except NetworkPolicyPort.port NetworkPolicyPort.endPort NetworkPolicyPort.protocol
source "$(dirname "${BASH_SOURCE[0]}")/../support/net.sh"

# server NAME LABEL [PORT-FIELDS]: answers on 80, 81 and 82 of both families, by TCP; port 80 is "http".
server() {
  busybox_pod "$1" "app: $2" "ports: [{name: http, containerPort: 80${3:-}}]" \
    "command: [sh, -c, 'for p in 81 82; do nc -ll -p \$p -e echo $1 & done; exec nc -ll -p 80 -e echo $1']"
}
answers() { [[ $(in_pod "$1" busybox nc -w 4 127.0.0.1 "$2" </dev/null) == "$1" ]]; }
# serve NETWORK FILE NAME: starts it, until it answers.
serve() {
  local port
  up --network "$1" "$2"
  for port in 80 81 82; do eventually "$3 answers on $port" answers "$3" "$port"; done
}
apply() { expect_exit 0 pausa up -d --network bridge "$(policy "$@")"; }
drop() { expect_exit 0 pausa down -f "$work/networkpolicy-$1.yaml"; }
ip() { [[ $1 != -* && $1 != address && $1 != route && $1 != link ]] || { command ip "$@"; return; }; field "$1" .status.podIP; }
ip6() { field "$1" '.status.podIPs[1].ip'; }
asks() { in_pod "$1" timeout 4 busybox nc -w 1 "$2" "${3:-80}" </dev/null 2>&1; }
may() { [[ $(in_pod "$1" timeout 10 busybox nc -w 8 "$2" "${3:-80}" </dev/null 2>&1) == "${4:-db}" ]]; }
may_not() { [[ -z $(in_pod "$1" timeout 4 busybox nc -w 1 "$2" "${3:-80}" </dev/null 2>/dev/null) ]]; }
host_may() { [[ $(timeout 10 busybox nc -w 8 "$1" 80 </dev/null) == "${2:-db}" ]]; }
outside_may() { [[ $(outside timeout 4 busybox nc -w 1 "$1" "$2" </dev/null 2>/dev/null) == "${3:-db}" ]]; }
outside_may_not() { [[ -z $(outside timeout 4 busybox nc -w 1 "$1" "$2" </dev/null 2>/dev/null) ]]; }

# With no way out by IPv6 nothing but policies has the host forward it.
command ip -6 route del default
serve bridge "$(server db db)" db
serve bridge "$(server web web)" web
serve bridge "$(server other other)" other
db=$(ip db) db6=$(ip6 db) web=$(ip web)
for client in web other; do
  eventually "without a policy $client reaches all" may $client "$db"
  check "by IPv6" may $client "$db6"
done
same "and there is no rule of it" "" "$(nft list tables | grep policies || true)"
same "nor does the host forward IPv6" 0 "$(cat /proc/sys/net/ipv6/conf/all/forwarding)"

# ---- nobody is the host: of IPv6 every process may send from any address
bridge6=$(command ip -6 -o address show dev pausa0 scope global | sed 's/.*inet6 \([^/]*\).*/\1/')
cat >"$work/listen" <<PERL
use Socket; socket(my \$s, AF_INET6, SOCK_DGRAM, 0); bind(\$s, pack_sockaddr_in6(9100, Socket::IN6ADDR_ANY)) or die;
\$| = 1; alarm 60; while (1) { recv(\$s, my \$text, 99, 0); print "\$text\n"; last if \$text eq "end"; }
PERL
cat >"$work/say" <<'PERL'
use Socket qw(:DEFAULT inet_pton); my ($text, $to, $from) = @ARGV; socket(my $s, AF_INET6, SOCK_DGRAM, 0) or die;
if ($from) { setsockopt($s, 41, 78, 1) or die; bind($s, pack_sockaddr_in6(0, inet_pton(AF_INET6, $from))) or die; }
send($s, $text, 0, pack_sockaddr_in6(9100, inet_pton(AF_INET6, $to))) or die;
PERL
perl "$work/listen" >"$work/heard" &
listener=$!
listens() { ss -Hlnu6 'sport = 9100' | grep -q .; }
eventually "somebody listens on the host" listens
for own in "$bridge6" 2001:db8:51::1; do in_pod other perl "$work/say" spoofed "$bridge6" "$own"; done
in_pod other perl "$work/say" end "$bridge6"
wait $listener
same "a pod does not come to the host with an address of the host" end "$(cat "$work/heard")"

# ---- by label and port, on pods that live
apply db 'podSelector: {matchLabels: {app: db}}' \
  'ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: http}, {port: 82}]}]'
check "who is let through comes through" may web "$db"
check "by IPv6, too" may web "$db6"
check "to another port" may web "$db" 82
check "not to one that is not named" may_not web "$db" 81
check "another pod does not" may_not other "$db"
check "nor by IPv6" may_not other "$db6"
check "nor by ping" bash -c "! nsenter -t $(infra_pid other) -n busybox ping -c 1 -W 1 $db >/dev/null"
check "the host does" host_may "$db"
check "the pod itself goes where it likes" may db "$web" 80 web
check "others are not concerned" may other "$web" 80 web
match "describe tells it" "$(pausa policy describe db)" $'ingress    http/TCP,82/TCP from pods app=web\negress     not isolated\npods       db'
match "ls, too" "$(pausa policy ls)" "db +default +app=db +Ingress +db"

# ---- nobody takes another's address
in_pod other ip address add 10.86.200.9/32 dev eth0
check "an address that nobody was given is not taken" may_not other "$db"
cat >"$work/spoof" <<PERL
use Socket; socket(my \$s, AF_INET, SOCK_STREAM, 0); setsockopt(\$s, 0, 15, 1);
bind(\$s, sockaddr_in(0, inet_aton("$web"))) or die; alarm 2; connect(\$s, sockaddr_in(80, inet_aton("$db"))) or exit 1;
PERL
check "nor that of one who may" bash -c "! nsenter -t $(infra_pid other) -n perl '$work/spoof'"

# What the host is told of addresses (ARP) leads nothing to another.
in_pod other ip address add "$db/32" dev eth0
command ip neigh replace "$db" lladdr "$(in_pod other ip -o link show eth0 | sed 's/.*ether \([^ ]*\).*/\1/')" dev pausa0 nud permanent
in_pod other perl "$work/listen" >"$work/heard" &
listener=$!
listens() { in_pod other ss -Hlnu6 'sport = 9100' | grep -q .; }
eventually "somebody listens" listens
printf stolen >"/dev/udp/$db/9100"
in_pod other perl "$work/say" end ::1
wait $listener
same "nor what is sent to it" end "$(cat "$work/heard")"
command ip neigh del "$db" dev pausa0
in_pod other ip address del "$db/32" dev eth0

# ---- policies add up
apply more 'podSelector: {}' 'ingress: [{from: [{podSelector: {matchExpressions: [{key: app, operator: In, values: [other]}]}}], ports: [{port: 81}]}]'
check "what one lets through is let through" may other "$db" 81
check "the other policy's, too" may web "$db"
check "no more than both" may_not other "$db"
check "it isolates the others, too" may_not db "$web" 80
drop more
check "without it this is over" may_not other "$db" 81
check "and they are free again" may db "$web" 80 web

# ---- pods come and go
expect_exit 0 pausa down web
serve bridge "$(server late other)" late
check "a new pod gets no right with an address" may_not late "$db"
serve bridge "$(server web web)" web
check "one that is made again has its right, with another address" may web "$db"
expect_exit 0 pausa stop db
expect_exit 0 pausa start db
same "one that is started again keeps its address" "$db" "$(ip db)"
eventually "and is reached by whom it may" may web "$db"
check "by nobody else" may_not other "$db"
sed -i 's/app: other/app: web/' "$work/late.yaml"
expect_exit 0 pausa up -d --network bridge "$work/late.yaml"
eventually "a label that changes counts at once" may late "$db"
kill -9 "$(field db .pausa.supervisor.pid)" "$(field web .pausa.supervisor.pid)"
check "with dead supervisors it goes on" may web "$db"
check "for all" may_not other "$db"

# ---- who has a connection keeps it
drop db
cat <<'PERL' >"$work/talk"
use Socket; socket(my $s, AF_INET, SOCK_STREAM, 0); connect($s, sockaddr_in(83, inet_aton($ARGV[0]))) or exit 1;
$| = 1; $s->autoflush; print "open\n"; <STDIN>; print $s "still\n"; alarm 20; print scalar <$s>;
PERL
pausa exec db -- sh -c 'nc -ll -p 83 -e cat >/dev/null 2>&1 &'
listens() { in_pod db ss -Hltn 'sport = 83' | grep -q .; }
eventually "somebody listens" listens
coproc in_pod other perl -MIO::Handle "$work/talk" "$db"
read -r -t 20 opened <&"${COPROC[0]}"
same "a connection is made" open "$opened"
apply db 'podSelector: {matchLabels: {app: db}}' 'ingress: []'
check "a policy that lets nobody in keeps new ones out" may_not other "$db" 83
echo >&"${COPROC[1]}"
read -r -t 20 heard <&"${COPROC[0]}"
same "what is established lives on" still "$heard"
drop db
check "without a policy everybody may" may other "$db"

# ---- from outside: by address, through a published port, by the kernel and by the supervisor
expect_exit 0 pausa up -d "$(policy published 'podSelector: {matchLabels: {app: pub}}' \
  'ingress: [{from: [{ipBlock: {cidr: 198.51.100.0/24, except: [198.51.100.64/26]}}], ports: [{port: 80, endPort: 81}]}]')"
serve bridge "$(server pub pub ', hostPort: 8080}, {containerPort: 81, hostPort: 8081}, {containerPort: 82, hostPort: 8082')" pub
outside ip address add 198.51.100.66/24 dev eth9
outside_from() { outside perl -MSocket -e 'socket(S, AF_INET, SOCK_STREAM, 0); bind(S, sockaddr_in(0, inet_aton($ARGV[0]))); alarm($ARGV[3] // 3); connect(S, sockaddr_in($ARGV[2], inet_aton($ARGV[1]))) or exit 1; print scalar <S>' "$@"; }
for _ in 1 2 3; do # the first goes by the supervisor
  match "an address within the range comes in" "$(outside_from 198.51.100.2 198.51.100.1 8080 20)" pub
  same "one that is left out does not" "" "$(outside_from 198.51.100.66 198.51.100.1 8080 || true)"
done
match "the last of the ports, too" "$(outside_from 198.51.100.2 198.51.100.1 8081 20)" pub
same "not the next one" "" "$(outside_from 198.51.100.2 198.51.100.1 8082 || true)"
same "a pod of another label does not come in by it" "" "$(asks other 198.51.100.1 8080 || true)"
match "the host does" "$(busybox nc -w 8 127.0.0.1 8080 </dev/null)" pub

# ---- whether br_netfilter shows the rules of IP what the bridge switches, or not
apply db 'podSelector: {matchLabels: {app: db}}' 'ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]'
shown=/proc/sys/net/bridge/bridge-nf-call-
[[ -e ${shown}iptables ]] || echo "skipped: the two ways of br_netfilter, which this kernel has not"
for value in $([[ ! -e ${shown}iptables ]] || echo 1 0); do
  echo "$value" >${shown}iptables
  echo "$value" >${shown}ip6tables
  for address in "$db" "$db6"; do
    check "who is let through comes through ($value, $address)" may web "$address"
    check "another pod does not ($value, $address)" may_not other "$address"
    check "the host does ($value, $address)" host_may "$address"
  done
  check "the pod itself goes where it likes ($value)" may db "$(ip web)" 80 web
  check "others are not concerned ($value)" may other "$(ip web)" 80 web
  match "who may come from outside does ($value)" "$(outside_from 198.51.100.2 198.51.100.1 8080 20)" pub
  same "who may not does not ($value)" "" "$(outside_from 198.51.100.66 198.51.100.1 8080 || true)"
done
drop db

# ---- without a bridge it is the supervisor's alone
cat "$(server lone pub ', hostPort: 8090')" >"$work/lone2.yaml"
serve none "$work/lone2.yaml" lone
match "who may reaches a pod with a loopback only" "$(outside_from 198.51.100.2 198.51.100.1 8090 20)" lone
same "who may not does not" "" "$(outside_from 198.51.100.66 198.51.100.1 8090 || true)"

# ---- egress
apply jail 'podSelector: {matchLabels: {app: other}}' 'policyTypes: [Egress]' \
  'egress: [{to: [{podSelector: {matchLabels: {app: db}}}], ports: [{port: 81}]}]'
check "where it may it goes" may other "$db" 81
check "elsewhere it does not" may_not other "$db"
check "nor out" bash -c "! nsenter -t $(infra_pid other) -n busybox ping -c 1 -W 1 198.51.100.2 >/dev/null"
check "nor to the host" bash -c "! nsenter -t $(infra_pid other) -n busybox ping -c 1 -W 1 10.86.0.1 >/dev/null"
check "what comes to it is not concerned" may db "$(ip other)" 80 other
lookup() { pausa exec "$1" -- timeout 12 nslookup -type=a db.default.svc.cluster.local 2>&1 | grep -q "Address: $db"; }
check "names are not answered" bash -c "! timeout 4 '$PAUSA' exec other -- timeout 3 nslookup -type=a db.default.svc.cluster.local"
apply names 'podSelector: {}' 'policyTypes: [Egress]' \
  'egress: [{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}, podSelector: {matchLabels: {k8s-app: kube-dns}}}], ports: [{port: 53, protocol: UDP}]}]'
check "as they are when kube-dns may be asked" lookup other
drop names
apply out 'podSelector: {matchLabels: {app: other}}' 'policyTypes: [Egress]' 'egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}]}]'
check "a range lets it out" reaches other 198.51.100.2
check "but for what it leaves out" may_not other "$db" 80
drop out
drop jail

# ---- another namespace, by its name and by labels of its own
cat <<YAML >"$work/spaces.yaml"
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {team: red}}
---
apiVersion: v1
kind: Pod
metadata: {name: far, namespace: shop}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: a, image: busybox, command: [sleep, "3600"]}]
YAML
expect_exit 0 pausa up -d --network bridge "$work/spaces.yaml"
far() { nsenter -t "$(pausa inspect -n shop far | jq .pausa.infra.pid)" -n timeout 10 busybox nc -w "${1:-1}" "$db" 80 </dev/null 2>/dev/null || true; }
apply spaces 'podSelector: {matchLabels: {app: db}}' 'ingress: [{from: [{namespaceSelector: {matchLabels: {team: red}}}]}]'
same "pods of a namespace are let through by its labels" db "$(far 8)"
check "and no others" may_not web "$db"
apply spaces 'podSelector: {matchLabels: {app: db}}' 'ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}}]}]'
same "and by its name" db "$(far 8)"
apply spaces 'podSelector: {matchLabels: {app: db}}' 'ingress: [{from: [{podSelector: {}}]}]'
same "its own namespace does not mean others" "" "$(far)"
check "but its own" may web "$db"

# ---- what is refused, what is told
cat <<YAML >"$work/host.yaml"
apiVersion: v1
kind: Pod
metadata: {name: host, labels: {app: db}}
spec:
  hostNetwork: true
  terminationGracePeriodSeconds: 0
  containers: [{name: a, image: busybox, command: [sleep, "3600"]}]
YAML
run pausa up -d "$work/host.yaml"
match "in the host's network nothing guards, and up says so" "$errors" "in the host's network nothing guards it, though it is selected by NetworkPolicy spaces"
expect_exit 0 pausa down host

# ---- damaged, and the end
nft flush ruleset
expect_exit 0 pausa up -d --network bridge "$work/networkpolicy-spaces.yaml"
same "rules that were lost are made again" "" "$(far)"
nft flush ruleset
up --network bridge "$(sleeper mend)"
same "also by a pod that none is about" "" "$(far)"
nft list tables | grep policies >"$work/tables"
same "they are two tables" 2 "$(wc -l <"$work/tables")"
while read -r table; do
  # shellcheck disable=SC2086
  nft flush $table
  same "without the rules of a $table it would be reached" db "$(far 8)"
  expect_exit 0 pausa up -d --network bridge "$work/mend.yaml"
  expect_exit 0 pausa down mend
  same "they are made again" "" "$(far)"
done <"$work/tables"
mkdir "$work/empty"
mount --bind "$work/empty" /usr/sbin
nft=$(command -v nft || true)
if [[ -z $nft ]]; then
  run pausa up -d --network bridge "$(server guarded db)"
  same "who cannot be guarded does not start" 1 "$code"
  match "and up says why" "$errors" "rules of NetworkPolicies"
  same "nothing is left of it" "" "$(pausa ps -o name | grep guarded || true)"
  run pausa down -f "$work/networkpolicy-spaces.yaml"
  same "rules that cannot be changed are a failure" 1 "$code"
  match "by their name" "$errors" "NetworkPolicies: "
fi
umount /usr/sbin
expect_exit 0 pausa up -d "$work/networkpolicy-spaces.yaml"
drop spaces
drop published
same "no policy is left" "" "$(pausa policy ls -o name)"
same "no rule is left" "" "$(nft list tables | grep policies || true)"
[[ ! -e $PAUSA_RUNROOT/network/policies ]] || fail "something is left of policies"
expect_exit 0 pausa reset --yes
same "reset leaves no table" "" "$(nft list ruleset)"
