#!/usr/bin/env bash
# service-families.sh [user]: Services of IPv6 and of both families: their addresses, names, balancing,
# node ports, what follows a change. With "user" by a user without root.
# Fields: ServiceSpec.clusterIPs ServiceSpec.ipFamilies ServiceSpec.ipFamilyPolicy
source "$(dirname "${BASH_SOURCE[0]}")/../support/either-net.sh"

# server NAME [FIELD]: says its name to whoever connects, of either family; labels app: web.
server() {
  busybox_pod "$1" 'app: web' "command: [nc, -ll, -p, '8080', -e, echo, $1]" "ports: [{name: http, containerPort: 8080}]" \
    'readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}' "${@:2}"
}
spec() { pausa service ls -o json | jq -rc ".items[] | select(.metadata.name == \"$1\").spec$2"; }
said() { in_pod "$1" busybox nc -w 6 "$2" "$3" </dev/null 2>&1; }
refused() { [[ $(in_pod "$1" busybox nc -w 20 "$2" 80 </dev/null 2>&1) == *refused* ]]; }
# the answers of six connections, counted: "3w1 3w2"
turns() { for _ in 1 2 3 4 5 6; do said client "$1" "$2"; done | sort | uniq -c | awk '{ print $1 $2 }' | paste -sd' '; }
balanced() { local answers; answers=$(turns "$1" 80); echo "$answers"; [[ $answers == "3w1 3w2" ]]; }
lookup() { pausa exec client -- nslookup -type="$2" "$1.default.svc.cluster.local" | awk '/^Name:/ { on = 1 } on && /^Address/ { print $NF }' | sort | paste -sd' '; }
ports='ports: [{name: http, port: 80, targetPort: http}]'

[[ $as == user ]] || ip -6 route del default
up --network bridge "$(sleeper client)"
[[ -n $(field client .status.podIPs[1].ip) ]] || skip "this kernel has no IPv6"
for name in w1 w2; do expect_exit 0 pausa up -d --network bridge "$(server $name)"; done
expect_exit 0 pausa wait --for=condition=Ready --timeout 20s w1 w2

# ---- of IPv6 alone, on a machine that has no way out by it
expect_exit 0 pausa up -d "$(service six 'ipFamilies: [IPv6]' 'selector: {app: web}' "$ports")"
six=$(spec six .clusterIP)
match "a Service of IPv6 has an address of it" "$six" '^fd[0-9a-f:]*$'
same "and no other" "[\"$six\"] [\"IPv6\"] \"SingleStack\"" "$(spec six .clusterIPs) $(spec six .ipFamilies) $(spec six .ipFamilyPolicy | sed 's/.*/"&"/')"
same "its name stands for it" "$six" "$(lookup six aaaa)"
same "and for none of IPv4" "" "$(lookup six a)"
match "the address has a name" "$(pausa exec client -- nslookup "$six")" 'six.default.svc.cluster.local'
eventually "each pod has its turn" balanced "$six"
same "by its name" yes "$(pausa exec client -- nc -w 6 six 80 </dev/null | grep -q '^w[12]$' && echo yes)"
for _ in 1 2; do match "a pod reaches itself by it" "$(said w1 "$six" 80)" '^w[12]$'; done
if [[ $as == root ]]; then
  ip -6 route add default via 2001:db8:51::2
  match "so does the host, where it has a way out" "$(busybox nc -w 6 "$six" 80 </dev/null)" '^w[12]$'
fi
match "another port of it is refused at once" "$(in_pod client busybox nc -w 20 "$six" 81 </dev/null 2>&1 || true)" 'refused'
w1=$(field w1 .status.podIPs[1].ip)
match "ls tells where it leads" "$(pausa service ls)" "six +default +ClusterIP +$six +80/TCP +\[[0-9a-f:]+\]:8080, ?\[[0-9a-f:]+\]:8080"
match "describe, too" "$(pausa service describe six)" "\[$w1\]:8080"
up --network bridge "$(sleeper later)"
same "variables tell of it" "$six tcp://[$six]:80" "$(pausa exec later -- sh -c 'echo $SIX_SERVICE_HOST $SIX_PORT')"

# ---- of both
expect_exit 0 pausa up -d "$(service both 'ipFamilyPolicy: RequireDualStack' 'selector: {app: web}' "$ports")"
v4=$(spec both .clusterIPs[0])
v6=$(spec both .clusterIPs[1])
same "one of both has the one of IPv4 first" "$v4" "$(spec both .clusterIP)"
match "and one of each family" "$v4 $v6" '^10\.96\.[0-9.]+ fd[0-9a-f:]+$'
same "its name has both" "$v4 $v6" "$(lookup both a) $(lookup both aaaa)"
for address in "$v4" "$v6"; do eventually "each leads to the pods in turn" balanced "$address"; done
expect_exit 0 pausa up -d "$work/service-both.yaml"
same "an up that changes nothing changes nothing" "$v4 $v6" "$(spec both .clusterIPs[0]) $(spec both .clusterIPs[1])"
expect_exit 0 pausa up -d "$(service both 'selector: {app: web}' "$ports")"
same "with one family it keeps the first address" "[\"$v4\"]" "$(spec both .clusterIPs)"
check "the other one is nobody's" refused client "$v6"
expect_exit 0 pausa up -d "$(service both 'ipFamilyPolicy: PreferDualStack' 'ipFamilies: [IPv6, IPv4]' 'selector: {app: web}' "$ports")"
same "in the other order the first one is of IPv6" "$v4 IPv6" "$(spec both .clusterIPs[1]) $(spec both .ipFamilies[0])"
eventually "and leads there" balanced "$(spec both .clusterIP)"
expect_exit 0 pausa up -d "$(service chosen 'clusterIP: "'"${six%:*}:77"'"' 'selector: {app: web}' "$ports")"
same "an address of IPv6 is taken as it is asked for" "[\"${six%:*}:77\"] [\"IPv6\"]" "$(spec chosen .clusterIPs) $(spec chosen .ipFamilies)"
expect_exit 1 pausa up -d "$(service clash 'clusterIP: "'"${six%:*}:0077"'"' "$ports")"
match "however it is written it is one Service's" "$errors" 'service/clash: the address .* is that of service/chosen'
expect_exit 1 pausa up -d "$(service far 'clusterIP: "2001:db8::1"' "$ports")"
match "one out of the range is refused" "$errors" '2001:db8::1 is not in the range of Services, fd'
expect_exit 3 pausa up -d "$(service two 'ipFamilies: [IPv4, IPv6]' "$ports")"
match "two families take a policy" "$errors" 'spec\.ipFamilyPolicy: Invalid value: "SingleStack": must be'

# ---- without an address
expect_exit 0 pausa up -d "$(service bare 'clusterIP: None' 'ipFamilies: [IPv6]' 'selector: {app: web}' "$ports")"
same "a headless one has names of its families" "" "$(lookup bare a)"
match "and no other" "$(lookup bare aaaa)" "$w1"
match "also by port" "$(pausa exec client -- nslookup -type=srv _http._tcp.bare.default.svc.cluster.local)" "8080 ${w1//:/-}.bare.default.svc.cluster.local"

# ---- readiness decides
expect_exit 0 pausa stop w1
only_w2() { [[ $(turns "$six" 80) == "6w2" ]]; }
eventually "a pod that was stopped is left out" only_w2
expect_exit 0 pausa start w1
eventually "started, it is back" balanced "$six"

# ---- a port of this machine
if [[ $as == root ]]; then
  perl -MSocket=:all -e 'socket(S, PF_INET6, SOCK_STREAM, 0); setsockopt(S, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    bind(S, pack_sockaddr_in6(30090, IN6ADDR_ANY)) or die; listen(S, 1); sleep' "$work/" >"$work/perl" 2>&1 &
  stranger=$!
  listens() { grep -q ':758A .* 0A ' /proc/net/tcp6; }
  eventually "somebody listens" listens
  node() { service node 'type: NodePort' "$1" 'selector: {app: web}' "ports: [{port: 80, targetPort: http, nodePort: $2}]"; }
  expect_exit 1 pausa up -d "$(node 'ipFamilyPolicy: RequireDualStack' 30090)"
  match "a port that somebody has for IPv6 is refused" "$errors" 'port 30090/tcp of this machine is taken by perl'
  expect_exit 0 pausa up -d "$(node 'ipFamilies: [IPv4]' 30090)"
  expect_exit 1 pausa up -d "$(node 'ipFamilyPolicy: RequireDualStack' 30090)"
  match "also where the Service has it for IPv4" "$errors" 'port 30090/tcp of this machine is taken by perl'
  kill $stranger
  wait $stranger 2>/dev/null || true
  expect_exit 0 pausa up -d "$(node 'ipFamilyPolicy: RequireDualStack' 30090)"
  for address in 198.51.100.1 2001:db8:51::1; do
    match "it is reached from outside by either family" "$(outside busybox nc -w 6 $address 30090 </dev/null)" '^w[12]$'
    match "and from the host" "$(busybox nc -w 6 $address 30090 </dev/null)" '^w[12]$'
  done
  publishing() { busybox_pod "$1" 'app: other' 'command: [sleep, "3600"]' "ports: [{containerPort: 80, hostPort: 30090, hostIP: '$2'}]"; }
  expect_exit 1 pausa up -d "$(publishing late 2001:db8:51::1)"
  match "its port is no pod's" "$errors" 'the node port of service/node'
  expect_exit 0 pausa up -d "$(publishing late ::1)"
  expect_exit 0 pausa down late
fi

# ---- the end
expect_exit 0 pausa down service/six
check "an address that was a Service's is refused" refused client "$six"
expect_exit 0 pausa reset --yes
