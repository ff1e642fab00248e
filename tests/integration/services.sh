#!/usr/bin/env bash
# services.sh [user]: Services: addresses and names, balancing over ready pods, what follows a change,
# what is left. With "user" by a user without root, whose pods' network they are in.
# Fields: Service.apiVersion Service.kind ServiceSpec.clusterIP ServiceSpec.clusterIPs ServiceSpec.externalName
# Fields: ServiceSpec.publishNotReadyAddresses ServiceSpec.sessionAffinity ServiceSpec.sessionAffinityConfig
# Fields: SessionAffinityConfig.clientIP ServicePort.targetPort ServicePort.nodePort PodSpec.enableServiceLinks
source "$(dirname "${BASH_SOURCE[0]}")/../support/either-net.sh"

# server NAME PORT [READY-COMMAND]: says its name to whoever connects; labels app: web.
server() {
  busybox_pod "$1" 'app: web' "command: [sh, -c, 'touch /tmp/ready; exec nc -ll -p $2 -e echo $1']" \
    "ports: [{name: http, containerPort: $2}]" \
    'readinessProbe: {exec: {command: [test, -e, /tmp/ready]}, periodSeconds: 1, failureThreshold: 1}'
}
said() { in_pod "$1" busybox nc -w 6 "$2" "$3" </dev/null 2>&1; }
says() { local text; text=$(said "$1" "$2" "$3"); echo "$text"; [[ $text == "$4" ]]; }
refused() { ! in_pod "$1" timeout 2 busybox nc -w 2 "$2" "$3" </dev/null >/dev/null 2>&1; }
refused_here() { ! busybox nc -w 2 127.0.0.1 "$1" </dev/null >/dev/null 2>&1; }
host_says() { [[ $(busybox nc -w 6 "$1" "$2" </dev/null 2>&1) == "$3" ]]; }
address() { pausa service ls -o json | jq -r ".items[] | select(.metadata.name == \"$1\").spec.clusterIP"; }

# ---- one address for several pods
up --network bridge "$(sleeper client)"
expect_exit 0 pausa up -d --network bridge "$(service web 'selector: {app: web}' 'ports: [{name: http, port: 80, targetPort: http}]')"
ip=$(address web)
match "a Service has an address" "$ip" '^10\.96\.'
same "its name stands for it" "$ip" "$(pausa exec client -- nslookup -type=a web.default.svc.cluster.local | awk '/^Name:/ { on = 1 } on && /^Address/ { print $NF }')"
match "without a pod it is refused, and nobody waits" \
  "$(in_pod client busybox nc -w 20 "$ip" 80 </dev/null 2>&1 || true)" 'Connection refused'
expect_exit 0 pausa up -d --network bridge "$(server w1 8081)"
eventually "a pod that is ready is reached" says client "$ip" 80 w1
same "by the Service's short name" w1 "$(pausa exec client -- nc -w 6 web 80 </dev/null)"
expect_exit 0 pausa up -d --network bridge "$(server w2 8082)"
two() { [[ $(pausa service ls -o json | jq '.items[] | select(.metadata.name == "web").pausa.endpoints | length') == "${1:-2}" ]]; }
eventually "there are two" two
balanced() {
  local answers
  answers=$(for _ in 1 2 3 4 5 6; do said client "$ip" 80; done | sort | uniq -c | awk '{ print $1 $2 }' | paste -sd' ')
  echo "$answers"
  [[ $answers == "3w1 3w2" ]]
}
eventually "each has its turn, on its own port by name" balanced
if [[ $as == root ]]; then
  match "the host reaches it" "$(busybox nc -w 6 "$ip" 80 </dev/null)" '^w[12]$'
fi
for _ in 1 2; do match "a pod reaches itself by its Service" "$(said w1 "$ip" 80)" '^w[12]$'; done
same "another port of it is refused at once" yes "$(refused client "$ip" 81 && echo yes)"

# ---- readiness decides
pausa exec w1 -- rm /tmp/ready
eventually "a pod that is not ready is left out" two 1
only() { for _ in 1 2 3 4; do [[ $(said client "$ip" 80) == "$1" ]] || return; done; }
eventually "and gets nothing" only w2
pausa exec w1 -- touch /tmp/ready
eventually "when it is ready again it counts again" balanced
expect_exit 0 pausa stop w2
eventually "a pod that was stopped is left out" only w1
expect_exit 0 pausa start w2
eventually "started, it is back" balanced
kill -9 "$(field w1 .pausa.supervisor.pid)" "$(field w2 .pausa.supervisor.pid)"
check "with dead supervisors it goes on" said client "$ip" 80

# ---- an up that changes nothing; one that does
expect_exit 0 pausa up -d --network bridge "$work/service-web.yaml"
same "the address stays" "$ip" "$(address web)"
table=$(at_bridge nft list tables | sed -n "s/^table inet \(pausa-services.*\)/\1/p")
before=$(at_bridge nft list table inet "$table")
expect_exit 0 pausa up -d --network bridge "$(service web 'selector: {app: web}' 'sessionAffinity: ClientIP' 'ports: [{name: http, port: 8000, targetPort: http}]')"
same "a changed one keeps it, too" "$ip" "$(address web)"
differs "its rules are others" "$before" "$(at_bridge nft list table inet "$table")"
stays() { local first; first=$(said client "$ip" 8000); echo "$first"; [[ $first == w[12] ]] || return; for _ in 1 2 3 4; do [[ $(said client "$ip" 8000) == "$first" ]] || return; done; }
eventually "the new port is the Service's, and a client stays with its pod" stays
check "the old one is not" refused client "$ip" 80

# ---- a port of this machine
expect_exit 0 pausa up -d --network bridge "$(service node 'type: NodePort' 'selector: {app: web}' 'ports: [{port: 80, targetPort: 8081, nodePort: 30080}]')"
out_says() { [[ $(outside busybox nc -w 6 198.51.100.1 30080 </dev/null 2>&1) == w1 ]]; }
if [[ $as == user ]]; then
  expect_exit 0 pausa up -d --publish 30082:1 --publish 30084:2 "$(sleeper holder)"
  manifest both >/dev/null <<'EOF'
apiVersion: v1
kind: Service
metadata: {name: both, namespace: apart}
spec: {type: NodePort, selector: {app: both}, ports: [{port: 80, targetPort: 1, nodePort: 30084}]}
---
apiVersion: v1
kind: Pod
metadata: {name: both, namespace: apart, labels: {app: both}}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: a, image: busybox, command: [sleep, "3600"]}]
EOF
  expect_exit 0 pausa up -d "$work/both.yaml"
  match "a port that is taken is told by the up that brings Service and pod" "$errors" '^pausa: Service both: port 30084/tcp of this machine is taken by'
  reads() { sed -n 's/^syscr: //p' "/proc/$(pausa inspect -n apart both | jq .pausa.supervisor.pid)/io"; }
  told_of() { [[ $(pausa events -n apart both) == *NoNodePort* ]]; }
  eventually "and among its events" told_of
  both_since=$SECONDS
  reads=$(reads)
  expect_exit 0 pausa up -d "$(service each 'type: NodePort' 'selector: {app: web}' 'ports: [{port: 80, targetPort: http, nodePort: 30081}]')"
  answers() { # NAMES [PORT]: who is behind it, from outside
    local answers
    answers=$(for _ in {1..24}; do outside busybox nc -w 6 198.51.100.1 "${2:-30081}" </dev/null 2>&1; done | sort -u | paste -sd' ')
    echo "$answers"
    [[ $answers == "$1" ]]
  }
  eventually "a NodePort leads to all that are ready" answers "w1 w2"
  match "port tells of it" "$(pausa port w2)" '8082/tcp -> 0.0.0.0:30081'
  same "as a URL, too" http://127.0.0.1:30081 "$(pausa port --url w2)"
  pausa exec w1 -- rm /tmp/ready
  eventually "but not to one that is not" answers w2
  pausa exec w1 -- touch /tmp/ready
  eventually "until it is again" answers "w1 w2"
  supervisor=$(field w1 .pausa.supervisor.pid)
  kill -9 "$supervisor"
  another() { local pid; pid=$(field w1 .pausa.supervisor.pid); echo "$pid"; [[ $pid =~ ^[0-9]+$ && $pid != "$supervisor" && -e /proc/$pid ]]; }
  eventually "of a supervisor that is killed there is another" another
  eventually "which takes part" answers "w1 w2"
  kill -9 "$(field w1 .pausa.guard.pid)"
  kill -9 "$(field w1 .pausa.supervisor.pid)" "$(field w1 .pausa.infra.pid)"
  eventually "when all of a pod is killed the other one has it" answers w2
  expect_exit 0 pausa ps
  eventually "until the next command gives it a supervisor" answers "w1 w2"
  expect_exit 0 pausa up -d "$(service each 'type: NodePort' 'selector: {app: web}' 'ports: [{port: 80, targetPort: http, nodePort: 30083}]')"
  check "a port that is no longer the Service's is closed" refused_here 30081
  listeners() { awk '$2 ~ /:7583$/ && $4 == "0A" { print $10 }' /proc/net/tcp6 | sort; }
  eventually "its new one leads to all" answers "w1 w2" 30083
  listening=$(listeners)
  expect_exit 0 pausa up -d "$(service each 'type: NodePort' 'selector: {app: web}' 'ports: [{port: 80, targetPort: 8090, nodePort: 30083}]')"
  same "who leads elsewhere goes on listening" "$listening" "$(listeners)"
  pausa exec w2 -- nc -ll -p 8090 -e cat </dev/null >"$work/nc" 2>&1 &
  pausa exec w1 -- rm /tmp/ready
  echoes() { echo "$1" >&7 && [[ $(timeout 9 head -n 1 <&7) == "$1" ]]; }
  connects() { { exec 7<>/dev/tcp/127.0.0.1/30083; } 2>/dev/null && echoes first; }
  deadline=$((SECONDS + 20)) # not by eventually, whose connection would be a subshell's
  until connects || ((SECONDS > deadline)); do sleep 0.05; done
  check "one that is ready is connected" echoes again
  pausa exec w2 -- rm /tmp/ready
  eventually "nobody is let in where none is ready" refused_here 30083
  check "who is connected stays" echoes second
  exec 7>&-
  pausa exec w1 -- touch /tmp/ready
  pausa exec w2 -- touch /tmp/ready
  expect_exit 0 pausa wait --for=condition=Ready --timeout 20s w1 w2
  expect_exit 0 pausa down "$work/service-each.yaml"
  check "so is that of one that is gone" refused_here 30083
  expect_exit 0 pausa up -d "$(service each 'type: NodePort' 'selector: {app: web}' 'ports: [{port: 80, targetPort: http, nodePort: 30083}]')"
  eventually "made again it is listened on" answers "w1 w2" 30083
  supervisors=("$(field w1 .pausa.supervisor.pid)" "$(field w2 .pausa.supervisor.pid)")
  kill -STOP "${supervisors[@]}"
  pausa down "$work/service-each.yaml" >/dev/null 2>&1 &
  no_service() { [[ $(pausa service ls -o name) != *each* ]]; }
  eventually "it is about to go" no_service
  kill_of_user pausa
  wait $! || true
  kill -CONT "${supervisors[@]}"
  expect_exit 0 pausa start w1
  check "where the command is killed the next one tells that it is gone" refused_here 30083
  expect_exit 0 pausa up -d "$(service each 'type: NodePort' 'selector: {app: web}' 'ports: [{port: 80, targetPort: 8082, nodePort: 30082}]')"
  match "who has a port is named" "$errors" '^pausa: Service each: port 30082/tcp of this machine is taken by pausa-supervis[a-z]* \(pid [0-9]+\) of pod holder[^:]*$'
  expect_exit 0 pausa up -d "$(service aside 'selector: {app: none}' 'ports: [{port: 1}]')"
  same "by the up that asks for it, and no other" "" "$errors"
  expect_exit 0 pausa down "$work/service-aside.yaml"
  tried_again() { ((SECONDS > both_since + 6)); }
  eventually "a port that is taken is tried again" tried_again
  same "without a look at every process" "$reads" "$(reads)"
  expect_exit 0 pausa down "$work/both.yaml"
  match "in the events, too" "$(pausa events w2)" 'NoNodePort.*port 30082/tcp of this machine is taken by'
  expect_exit 0 pausa down holder
  takes_over() { host_says 127.0.0.1 30082 w2; }
  eventually "and when it is free it is the Service's" takes_over
  expect_exit 0 pausa down "$work/service-each.yaml"
  expect_exit 0 pausa up -d --network none "$(server lone 8083)"
  expect_exit 0 pausa up -d --network host "$(server hosted 8084)"
  expect_exit 0 pausa up -d "$(service each 'type: NodePort' 'selector: {app: web}' 'ports: [{port: 80, targetPort: http, nodePort: 30085}]')"
  eventually "pods with their loopback only, or with this machine's network, are reached, too" answers "hosted lone w1 w2" 30085
  match "port tells of it" "$(pausa port lone)" '8083/tcp -> 0.0.0.0:30085'
  expect_exit 0 pausa down "$work/service-each.yaml" lone hosted
  check "with them it is closed" refused_here 30085
fi
expect_exit 0 pausa down w2
eventually "NodePort is reached from outside" out_says
check "from the host by its address" host_says 198.51.100.1 30080 w1
check "and by its loopback" host_says 127.0.0.1 30080 w1
match "port tells of it" "$(pausa port w1)" '^8081/tcp -> 0.0.0.0:30080$'

# ---- ports that somebody else has: rules would come before who listens
if [[ $as == root ]]; then
  listens() { grep -q ":$(printf %04X "$1") .* 0A " /proc/net/tcp /proc/net/tcp6; }
  # NAME PORT [LINE]…
  node_port() { service "$1" 'type: NodePort' 'selector: {app: web}' "ports: [{port: 80, targetPort: 8081, nodePort: $2}]" "${@:3}"; }
  # publishing NAME PORT [FIELDS]
  publishing() { busybox_pod "$1" 'app: other' 'command: [sleep, "3600"]' "ports: [{containerPort: 80, hostPort: $2${3:-}}]"; }
  busybox nc -ll -p 30086 -e echo stranger >"$work/nc" 2>&1 &
  stranger=$!
  perl -MSocket=:all -e 'socket(S, PF_INET6, SOCK_STREAM, 0); bind(S, pack_sockaddr_in6(30088, inet_pton(AF_INET6, "::1"))) or die;
    listen(S, 1); sleep' >"$work/perl6" 2>&1 &
  stranger6=$!
  busybox nc -ll -p 30000 -e echo stranger >"$work/nc0" 2>&1 &
  stranger0=$!
  expect_exit 0 pausa up -d "$(publishing holder 30087 ', hostIP: 127.0.0.1')"
  for port in 30086 30088 30000; do eventually "somebody listens" listens $port; done
  expect_exit 1 pausa up -d "$(node_port taken 30086)"
  match "a node port that somebody has is refused" "$errors" "service/taken: port 30086/tcp of this machine is taken by busybox \(pid $stranger\); 30089 is free"
  expect_exit 1 pausa up -d "$(node_port node 30087)"
  match "so is one to which a Service changes, of a pod" "$errors" 'service/node: port 30087/tcp of this machine is taken by pausa-[a-z]+ \(pid [0-9]+\) of pod holder; 30089 is free'
  same "nothing is stored of them" $'service/node\nservice/web' "$(pausa service ls -o name | sort)"
  check "who has it goes on answering" host_says 127.0.0.1 30086 stranger
  check "and the Service where it was" host_says 127.0.0.1 30080 w1
  expect_exit 0 pausa up -d "$(node_port aside 30088)"
  expect_exit 0 pausa down "$work/service-aside.yaml"
  expect_exit 0 pausa up -d "$(service aside 'type: NodePort' 'selector: {app: web}' 'ports: [{port: 80}]')"
  match "one that is found is nobody's" "$(pausa service ls -o json | jq '.items[] | select(.metadata.name == "aside").spec.ports[0].nodePort')" '^30001$'
  expect_exit 0 pausa down "$work/service-aside.yaml" holder
  kill $stranger $stranger6 $stranger0
  expect_exit 1 pausa up -d "$(publishing late 30080)"
  match "a Service's node port is no pod's" "$errors" 'port 30080/tcp of this machine is the node port of service/node \(namespace default\); 30081 is free'
  expect_exit 1 pausa up -d "$(publishing late 30080 ', hostIP: 127.0.0.1')"
  expect_exit 4 pausa inspect late
  expect_exit 0 pausa up -d "$(publishing late 30080 ', hostIP: "::1"')"
  expect_exit 0 pausa up -d "$(publishing late 30080 ', protocol: UDP')"
  expect_exit 1 pausa up -d "$(publishing late 30080)"
  match "nor by a change" "$errors" 'the node port of service/node'
  expect_exit 1 pausa port-forward w1 30080:8081
  match "nor is it forwarded for a while" "$errors" 'the node port of service/node'
  expect_exit 0 pausa down late
  expect_exit 0 pausa up -d "$(node_port node 30080 'sessionAffinity: ClientIP')"
  expect_exit 0 pausa up -d "$work/service-node.yaml"
  expect_exit 0 pausa restart w1
  eventually "the Service that has it changes and stays" host_says 127.0.0.1 30080 w1
fi

# ---- headless, and a name for another
expect_exit 0 pausa up -d --network bridge "$(service all 'clusterIP: None' 'selector: {app: web}' 'ports: [{name: http, port: 8081}]')"
expect_exit 0 pausa up -d --network bridge "$(service else 'type: ExternalName' 'externalName: web.default.svc.cluster.local')"
w1=$(field w1 .status.podIP)
lookup() { pausa exec client -- nslookup -type="$2" "$1" 2>&1; }
match "a headless one is its pods" "$(lookup all.default.svc.cluster.local a)" "Address: $w1"
match "its ports stand in SRV" "$(lookup _http._tcp.all.default.svc.cluster.local srv)" "8081 ${w1//./-}.all.default.svc.cluster.local"
match "by a name that is the pod's for sure" "$(lookup "${w1//./-}.all.default.svc.cluster.local" a)" "Address: $w1"
match "an external name is an alias" "$(lookup else.default.svc.cluster.local cname)" "web.default.svc.cluster.local"
match "and says what that is" "$(lookup else.default.svc.cluster.local a)" "Address: $ip"
match "or that it has no address of IPv6" "$(lookup else.default.svc.cluster.local aaaa && echo answered)" 'answered$'
match "the address has a name" "$(pausa exec client -- nslookup "$ip")" "web.default.svc.cluster.local"

# ---- variables
up --network bridge "$(sleeper later)"
same "containers hear of Services by variables" "$ip 8000 tcp://$ip:8000 $ip" \
  "$(pausa exec later -- sh -c 'echo $WEB_SERVICE_HOST $WEB_SERVICE_PORT_HTTP $WEB_PORT $WEB_PORT_8000_TCP_ADDR')"
up --network bridge "$(sleeper deaf 'enableServiceLinks: false')"
same "unless they do not want to" "" "$(pausa exec deaf -- sh -c 'echo $WEB_SERVICE_HOST')"

# ---- what is refused
expect_exit 1 pausa up -d "$(service clash "clusterIP: $ip" 'ports: [{port: 1}]')"
match "an address that another has" "$errors" "address $ip is that of service/web"
expect_exit 1 pausa up -d "$(service far 'clusterIP: 192.0.2.1' 'ports: [{port: 1}]')"
match "one out of the range" "$errors" "192.0.2.1 is not in the range of Services"
expect_exit 1 pausa up -d "$(service port 'type: NodePort' 'ports: [{port: 1, nodePort: 30080}]')"
match "a port that another has" "$errors" "30080 is that of service/node"
same "nothing of it is stored" "all else node web" "$(pausa service ls -o name | sed 's,service/,,' | sort | paste -sd' ')"
expect_exit 0 pausa up -d "$(service misnamed 'selector: {app: web}' 'ports: [{port: 80, targetPort: nope}]')"
match "or that nobody has the port" "$(pausa service describe misnamed)" "80/TCP to nope: no container has a port nope"
rm "$work/service-misnamed.yaml"
expect_exit 4 pausa down service/absent
expect_exit 0 pausa down service/misnamed
same "a Service goes by its name, too" "all else node web" "$(pausa service ls -o name | sed 's,service/,,' | sort | paste -sd' ')"
match "describe tells who is behind it" "$(pausa service describe node)" "80:30080/TCP to 8081: $w1:8081"

# ---- what was said to the world ends with the address
if [[ -r /proc/net/nf_conntrack ]]; then
  up --network bridge "$(sleeper talker)"
  talker=$(field talker .status.podIP)
  remembered() { at_bridge grep -q "src=$talker " /proc/net/nf_conntrack; }
  forgotten() { ! remembered; }
  in_pod talker perl -MSocket -e 'socket(S, AF_INET, SOCK_DGRAM, 0); send(S, "x", 0, sockaddr_in(9, inet_aton("198.51.100.2")))'
  check "the kernel remembers to whom a pod spoke" remembered
  expect_exit 0 pausa down talker
  check "no longer than the pod has its address" forgotten
fi

# ---- damaged, and the end
at_bridge nft flush ruleset
up --network bridge "$(sleeper mend)"
eventually "rules that were lost are made again" says client "$ip" 8000 w1
at_bridge nft flush table inet "$table"
expect_exit 0 pausa down mend
eventually "those of which the table is left, too" says client "$ip" 8000 w1
for name in web node all else; do expect_exit 0 pausa down -f "$work/service-$name.yaml"; done
same "no Service is left" "" "$(pausa service ls -o name)"
run at_bridge nft list table inet "$table"
same "no rule is left" 1 "$code"
expect_exit 0 pausa reset --yes
[[ $as == user ]] || same "reset leaves no table" "" "$(nft list ruleset)"
