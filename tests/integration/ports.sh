#!/usr/bin/env bash
# Published ports: from the host and from outside, by TCP and UDP, across the death of the
# supervisor, and when the port is somebody else's.
source "$(dirname "${BASH_SOURCE[0]}")/../support/net.sh"

# serving NAME PORTS [ADDRESS]: a pod that answers "NAME" on TCP port 80 of its own loopback only.
serving() {
  manifest "$1" <<EOF
apiVersion: v1
kind: Pod
metadata:
  name: $1
spec:
  containers:
  - name: web
    image: busybox
    command: ["sh", "-c", "mkdir -p /www && echo $1 >/www/index.html && exec httpd -f -p ${3:-127.0.0.1}:80 -h /www"]
    ports: $2
EOF
}
# body ADDRESS PORT [PATH]: what an HTTP server says there. (bash alone: the static busybox has no
# resolver that its wget could trust.)
cat >"$work/body" <<'EOF'
exec 3<>"/dev/tcp/$1/$2" || exit 1
printf 'GET /%s HTTP/1.0\r\n\r\n' "${3:-}" >&3
sed '1,/^\r$/d' <&3
EOF
# get ADDRESS PORT [COMMAND…]: it says $answer; the command runs it elsewhere.
get() { [[ $("${@:3}" timeout 9 bash "$work/body" "$1" "$2" 2>/dev/null) == "$answer" ]]; }

# ---- a pod without a network of its own, reached on every address of the host
answer=plain
up --network none "$(serving plain '[{containerPort: 80, hostPort: 8080}, {containerPort: 53, hostPort: 5300, protocol: UDP}]')"
eventually "the port is reached on the loopback" get 127.0.0.1 8080
check "on IPv6's" get ::1 8080
check "from outside" get 198.51.100.1 8080 outside
check "from outside by IPv6" get 2001:db8:51::1 8080 outside
nsenter -t "$(infra_pid plain)" -n perl -MSocket -e '
  socket(S, PF_INET, SOCK_DGRAM, 0); bind(S, sockaddr_in(53, INADDR_LOOPBACK)) or die;
  while (my $from = recv(S, my $text, 999, 0)) { send(S, uc $text, 0, $from) }' >"$work/perl" 2>&1 &
echo_server=$!
echoes() {
  [[ $("${@:2}" timeout 3 perl -MSocket -e 'socket(S, PF_INET, SOCK_DGRAM, 0);
    connect(S, sockaddr_in(5300, inet_aton($ARGV[0]))); send(S, "ping", 0);
    alarm 2; recv(S, my $text, 99, 0); print $text' "$1") == PING ]]
}
eventually "UDP is answered" echoes 127.0.0.1
eventually "from outside" echoes 198.51.100.1 outside
kill $echo_server
same "port tells" $'80/tcp -> 0.0.0.0:8080\n53/udp -> 0.0.0.0:5300' "$(pausa port plain)"
same "port of all" $'plain 80/tcp -> 0.0.0.0:8080\nplain 53/udp -> 0.0.0.0:5300' "$(pausa port)"
same "port of all of a namespace" '' "$(pausa port -n other)"
match "assignments of all" "$(pausa port --env)" 'PLAIN_80_PORT=8080'
expect_exit 2 pausa port --url
same "port of one" 0.0.0.0:8080 "$(pausa port plain 80)"
same "port as URL" http://127.0.0.1:8080 "$(pausa port --url plain)"
expect_exit 1 pausa port plain 81
expect_exit 4 pausa port plain/nope
match "a container that is not there" "$errors" "no container nope in pod plain; it has "

# ---- a port that is taken
expect_exit 1 pausa up -d --network none "$(serving late '[{containerPort: 80, hostPort: 8080}]')"
match "the error names who has it" "$errors" '8080/tcp of this machine is taken by pausa-[a-z]+ \(pid [0-9]+\) of pod plain; 8081 is free'
expect_exit 4 pausa inspect late
busybox nc -ll -p 9090 -e true >"$work/nc" 2>&1 &
stranger=$!
holds() { grep -q ':2382 ' /proc/net/tcp /proc/net/tcp6; }
eventually "somebody listens" holds
expect_exit 1 pausa up -d --network none "$(serving late '[{containerPort: 80, hostPort: 9090}]')"
match "so for somebody else's" "$errors" "9090/tcp of this machine is taken by busybox \(pid $stranger\); 9091 is free"
kill $stranger
expect_exit 1 pausa up -d --network none "$(serving late '[{containerPort: 80, hostPort: 9090, hostIP: 192.0.2.77}]')"
match "an address that is not the host's" "$errors" '192\.0\.2\.77:9090/tcp.* no such address'

# ---- who connects while there is no supervisor waits for the next one
supervisor=$(field plain .pausa.supervisor.pid)
kill -STOP "$(field plain .pausa.guard.pid)"
kill -9 "$supervisor"
eventually "it is dead" dead "$supervisor"
get 127.0.0.1 8080 &
waiting=$!
kill -CONT "$(field plain .pausa.guard.pid)"
check "a connection of the time between is served" wait $waiting
kill -9 "$(infra_pid plain)"
eventually "a new sandbox is reached by the old port" get 127.0.0.1 8080
expect_exit 0 pausa stop plain
expect_exit 1 pausa port --url plain
match "a URL that leads nowhere is not told" "$errors" "pod plain does not run"
expect_exit 0 pausa down plain
run get 127.0.0.1 8080
same "the port goes with the pod" 1 "$code"

# ---- on the bridge; one address of the host only; by a flag; changed as the pod lives
answer=bridged
up --network bridge "$(serving bridged '[{containerPort: 80, hostPort: 8080, hostIP: 127.0.0.1}]')"
eventually "the loopback is served" get 127.0.0.1 8080
server=$(field bridged .pausa.containers.web.pid)
run get 198.51.100.1 8080 outside
same "and nothing else" 1 "$code"
expect_exit 0 pausa up -d --network bridge "$(serving bridged '[{containerPort: 80, hostPort: 8090}]')"
eventually "the new port is served" get 198.51.100.1 8090 outside
run get 127.0.0.1 8080
same "the old one is closed" 1 "$code"
expect_exit 0 pausa up -d --network bridge "$(serving bridged '[{containerPort: 80, hostPort: 8090, hostIP: 127.0.0.1}]')"
eventually "the same port on one address" get 127.0.0.1 8090
run get 198.51.100.1 8090 outside
same "is closed on the others" 1 "$code"
expect_exit 0 pausa up -d --network bridge "$(serving bridged '[{containerPort: 80, hostPort: 8090}]')"
eventually "and opened again" get 198.51.100.1 8090 outside
match "diff says what changes" "$(pausa diff "$(serving bridged '[{containerPort: 80}]')")" 'bridged: publish ports of web'
same "the server is the one of before" "$server" "$(field bridged .pausa.containers.web.pid)"
expect_exit 0 pausa down bridged
cat >"$work/udp" <<'EOF'
use Socket; socket(S, PF_INET, SOCK_DGRAM, 0); alarm 2;
send(S, "ping", 0, sockaddr_in($ARGV[1], inet_aton($ARGV[0]))); recv(S, my $text, 99, 0); print $text
EOF
asked() { [[ $("${@:4}" timeout 3 perl "$work/udp" "$2" "$3" 2>/dev/null) == "$1" ]]; }
up --network none "$(serving both '[{containerPort: 80, hostPort: 8090}, {containerPort: 81, hostPort: 8090, hostIP: 127.0.0.1},
  {containerPort: 53, hostPort: 5390, hostIP: 127.0.0.1, protocol: UDP}, {containerPort: 54, hostPort: 5390, protocol: UDP}]')"
infra=$(infra_pid both)  # not in_pod: the servers are to be ended by their own pids
nsenter -t "$infra" -n busybox nc -ll -p 81 -e sh -c 'read -r a; read -r a; printf "HTTP/1.0 200 OK\r\n\r\none address\n"' >"$work/nc" 2>&1 &
servers=($!)
for port in 53 54; do
  nsenter -t "$infra" -n perl -MSocket -e 'socket(S, PF_INET, SOCK_DGRAM, 0); bind(S, sockaddr_in($ARGV[0], INADDR_LOOPBACK)) or die;
    while (my $from = recv(S, my $text, 999, 0)) { send(S, $ARGV[0], 0, $from) }' $port >"$work/perl" 2>&1 &
  servers+=($!)
done
for _ in own adopted; do
  answer=both
  eventually "a port on all addresses" get 198.51.100.1 8090 outside
  answer="one address"
  eventually "and one on one of them lead to their own places" get 127.0.0.1 8090
  eventually "of UDP, too" asked 54 198.51.100.1 5390 outside
  eventually "both" asked 53 127.0.0.1 5390
  supervisor=$(field both .pausa.supervisor.pid)
  kill -9 "$supervisor"
  eventually "it is dead" dead "$supervisor"
done
expect_exit 1 pausa up -d --network none "$(serving third '[{containerPort: 80, hostPort: 8090, hostIP: 127.0.0.1}]')"
match "nobody else may have one of them" "$errors" '127.0.0.1:8090/tcp of this machine is taken by .* of pod both'
expect_exit 0 pausa down both
kill "${servers[@]}"
answer=flagged
up --network bridge -p 8100:80 -p 127.0.0.1:8101:53/udp "$(serving flagged '[{containerPort: 80}]' 0.0.0.0)"
eventually "a port by a flag" get 127.0.0.1 8100
same "it stands in the manifest" 8100 "$(field flagged '.spec.containers[0].ports[0].hostPort')"
same "both do" $'80/tcp -> 0.0.0.0:8100\n53/udp -> 127.0.0.1:8101' "$(pausa port flagged)"
expect_exit 0 pausa down flagged
up --network none -p 8110:80 -p 127.0.0.1:8120:80 "$(serving flagged '[{name: http, containerPort: 80, hostPort: 8100}]')"
same "ports by flags stand beside that of the manifest" $'80/tcp -> 0.0.0.0:8100\n80/tcp -> 0.0.0.0:8110\n80/tcp -> 127.0.0.1:8120' "$(pausa port flagged)"
same "names stay unique" '["http",null,null]' "$(field flagged '[.spec.containers[0].ports[].name]' | jq -c .)"
for port in 8100 8110 8120; do eventually "$port is served" get 127.0.0.1 $port; done
kill -9 "$(field flagged .pausa.supervisor.pid)"
for port in 8100 8110 8120; do eventually "$port is, by the next supervisor" get 127.0.0.1 $port; done
before=$(field flagged .metadata.uid)
expect_exit 0 pausa up -d --network none -p 8110:80 "$work/flagged.yaml"
same "fewer of them change the pod as it lives" "$before $(printf '80/tcp -> 0.0.0.0:8100\n80/tcp -> 0.0.0.0:8110')" "$(field flagged .metadata.uid) $(pausa port flagged)"
eventually "what stays is served" get 127.0.0.1 8110
run get 127.0.0.1 8120
same "what does not is closed" 1 "$code"
expect_exit 0 pausa stop flagged
expect_exit 0 pausa start flagged
for port in 8100 8110; do eventually "$port is, after a start" get 127.0.0.1 $port; done
same "variables are those of the first" FLAGGED_HTTP_PORT=8100 "$(pausa port --env flagged | grep HTTP_PORT)"
expect_exit 0 pausa down flagged
up --network none -p 8110:80 -p 8120:80 "$(serving flagged '[]')"
same "so it is of a port that nobody declares" $'80/tcp -> 0.0.0.0:8110\n80/tcp -> 0.0.0.0:8120' "$(pausa port flagged)"
same "with variables of the first" FLAGGED_80_PORT=8110 "$(pausa port --env flagged | grep 80_PORT)"
expect_exit 2 pausa up -d -p 8080:80 -p 127.0.0.1:8080:81 "$(serving wrong '[]')"
match "one port cannot lead to two" "$errors" '"127.0.0.1:8080:81": port 8080/tcp of this machine is given twice, to the pod.s port 80 and to 81'
expect_exit 2 pausa up -d -p 8080:80 -p 127.0.0.1:8080:80 "$work/wrong.yaml"
expect_exit 2 pausa up -d -p 8080:81 "$(serving wrong '[{containerPort: 80, hostPort: 8080}]')"
match "nor with one of the manifest" "$errors" 'given twice, to the pod.s port 80 and to 81'
expect_exit 3 pausa up -d --network host "$(serving wrong '[{containerPort: 80, hostPort: 8080}]')"
match "nor in the host's network to another port than its own" "$errors" 'wrong.yaml:[0-9]+:[0-9]+: error: .*ports\[0\].hostPort: Invalid value: 8080: must match `containerPort` when `hostNetwork` is true'
expect_exit 2 pausa up -d --network host -p 8080:80 "$(serving wrong '[]')"
match "and no flag publishes there" "$errors" '--publish: a pod in the host.s network publishes nothing'
expect_exit 2 pausa up -d -p 8080:80 "$(sleeper wrong 'hostNetwork: true')"
expect_exit 3 pausa up -d --network host "$(sleeper wrong 'hostUsers: false')"
match "what does not go with the host's network is refused with the flag, too" "$errors" 'wrong.yaml:[1-9][0-9]*:[0-9]+: error: spec.hostNetwork: Forbidden: when `hostUsers` is false'
cat >"$work/wrong-job.yaml" <<'YAML'
apiVersion: batch/v1
kind: Job
metadata: {name: wrong}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: a, image: busybox, ports: [{containerPort: 80, hostPort: 8080}]}]
YAML
expect_exit 3 pausa up -d --network host "$work/wrong-job.yaml"
match "of a Job likewise" "$errors" 'hostPort: Invalid value: 8080: must match'
expect_exit 4 pausa inspect wrong
expect_exit 2 pausa up -d -p 80 "$(serving wrong '[]')"
expect_exit 2 pausa up -d -p 1:2/sctp "$(serving wrong '[]')"
expect_exit 0 pausa down flagged
answer=near
up --network none -p 8100:80 "$(serving near '[{containerPort: 80, hostIP: 127.0.0.1}]')"
eventually "a port by a flag, on the address that the manifest names" get 127.0.0.1 8100
run get 198.51.100.1 8100 outside
same "is on no other" 1 "$code"
expect_exit 0 pausa down near

# ---- ports that are found
answer=found
up --network none --ports auto "$(serving found '[{containerPort: 80, name: web}, {containerPort: 81, hostPort: 8181}]')"
eval "$(pausa port --env found)"
between "a port is found" 20000 "$FOUND_WEB_PORT" 29999
same "as a URL" "http://127.0.0.1:$FOUND_WEB_PORT" "$FOUND_WEB_URL"
same "one that has a port keeps it" 8181 "$FOUND_81_PORT"
eventually "it is served" get "$FOUND_WEB_HOST" "$FOUND_WEB_PORT"
before=$(field found .metadata.uid)
expect_exit 0 pausa up -d --network none --ports auto "$work/found.yaml"
same "the same up changes nothing" "$before" "$(field found .metadata.uid)"
same "nor the port" "$FOUND_WEB_PORT" "$(eval "$(pausa port --env found)" && echo "$FOUND_WEB_PORT")"
expect_exit 0 pausa down found
busybox nc -ll -p "$FOUND_WEB_PORT" -e true >"$work/nc" 2>&1 &
stranger=$!
somebody() { grep -qi ":$(printf %04x "$FOUND_WEB_PORT") " /proc/net/tcp /proc/net/tcp6; }
eventually "somebody has it" somebody
up --network none --ports auto "$work/found.yaml"
same "then it is the next" $((FOUND_WEB_PORT + 1)) "$(field found '.spec.containers[0].ports[0].hostPort')"
kill $stranger
expect_exit 0 pausa down found
expect_exit 2 pausa up -d --ports some "$work/found.yaml"

# ---- a large transfer has the same sum
head -c 64M /dev/urandom >"$work/large"
sum=$(sha256sum <"$work/large")
manifest large <<EOF >/dev/null
apiVersion: v1
kind: Pod
metadata:
  name: large
spec:
  containers:
  - name: web
    image: busybox
    command: ["httpd", "-f", "-p", "80", "-h", "/data"]
    ports: [{containerPort: 80, hostPort: 8080}]
    volumeMounts: [{name: d, mountPath: /data}]
  volumes: [{name: d, hostPath: {path: $work}}]
EOF
chmod 755 "$work"
up --network bridge "$work/large.yaml"
whole() { [[ $(outside bash "$work/body" 198.51.100.1 8080 large | sha256sum) == "$sum" ]]; }
eventually "64 MiB come through whole" whole
