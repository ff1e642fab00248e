#!/usr/bin/env bash
# Ports of this machine that lead into a pod for a while: as root and as a user without, through
# ends and new beginnings of container and pod, by name, for Services and workloads.
source "$(dirname "${BASH_SOURCE[0]}")/../support/user-net.sh"
command -v python3 >/dev/null || skip "python3 is not installed"

forwarders=()
at_end 'kill "${forwarders[@]}" ${server_pid:+$server_pid} 2>/dev/null'

# forward NAME COMMAND…: begins it; what it says is in $work/NAME.out and .err, its pid in $forwarder;
# $lines (2) of what it listens on.
forward() {
  local name=$1
  shift
  # Of a shell in the background the kernel ignores SIGINT: not so of what perl begins.
  perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' "$@" >"$work/$name.out" 2>"$work/$name.err" </dev/null &
  forwarder=$!
  forwarders+=("$forwarder")
  forwards() { (($(grep -c '^Forwarding from' "$work/$name.out") == ${lines:-2})); }
  eventually "it forwards" forwards
}
local_port() { sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\).*/\1/p' "$work/$1.out" | sed -n "${2:-1}p"; }
# get ADDRESS PORT [PATIENCE]
get() { printf 'GET / HTTP/1.0\r\n\r\n' | busybox nc -w "${3:-5}" "$1" "$2" 2>&1 | tail -n 1; }
says() { local text; text=$(get "$1" "$2"); echo "$text"; [[ $text == "$3" ]]; }
listens() { [[ -n $(in_pod "$1" ss -Hltn "sport = $2") ]]; } # POD PORT
told() { grep -q "$2" "$work/$1.err"; }

# server NAME PORT: says its name by HTTP, on the pod's loopback.
server() {
  busybox_pod "$1" 'app: web' "ports: [{name: http, containerPort: $2}]" \
    "command: [sh, -c, 'echo $1 >/tmp/index.html; exec httpd -f -h /tmp -p 127.0.0.1:$2']"
}

# ---- a server on the pod's loopback, with root
for network in none bridge; do
  up --network $network "$(server web 8080)"
  eventually "the server listens" listens web 8080
  lines=4 forward web "$PAUSA" port-forward web 18080:8080 :http
  same "it says where, as kubectl does" \
    "Forwarding from 127.0.0.1:18080 -> 8080|Forwarding from [::1]:18080 -> 8080" \
    "$(head -n 2 "$work/web.out" | paste -sd'|')"
  same "the server is reached" web "$(get 127.0.0.1 18080)"
  same "by IPv6" web "$(get ::1 18080)"
  free=$(local_port web 2)
  differs "a free port is chosen" 18080 "$free"
  same "and a port is found by its name" web "$(get 127.0.0.1 "$free")"
  kill -INT $forwarder
  code=0
  wait $forwarder || code=$?
  same "it ends on an interrupt, and says so" 130 $code
  same "without a word" "" "$(cat "$work/web.err")"
  expect_exit 0 pausa down web
done

# ---- many at once, each half by itself, and much
cat >"$work/reverse.py" <<'PY'
import socket, threading
def serve(c):
    text = b''
    while part := c.recv(65536): text += part
    c.sendall(text[::-1]); c.close()
s = socket.create_server(('127.0.0.1', 9000), backlog=200)
while True:
    c, _ = s.accept()
    threading.Thread(target=serve, args=(c,), daemon=True).start()
PY
up --network none "$(sleeper many)"
in_pod many python3 "$work/reverse.py" &
server_pid=$!
eventually "the server listens" listens many 9000
lines=1 forward many "$PAUSA" port-forward --address 127.0.0.1 many :9000
port=$(local_port many)
same "one line for one address" 1 "$(wc -l <"$work/many.out")"
python3 - "$port" <<'PY'
import os, socket, sys
texts = [os.urandom(1000 + 40000 * (i % 5)) for i in range(100)] + [os.urandom(8 << 20)]
ends = []
for text in texts[:100]:
    c = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); c.sendall(text[:500]); ends.append(c)
ends.append(socket.create_connection(('127.0.0.1', int(sys.argv[1]))))
for c, text in zip(ends, texts):
    c.sendall(text[500:] if text is not texts[-1] else text); c.shutdown(socket.SHUT_WR)
for c, text in zip(ends, texts):
    got = b''
    while part := c.recv(65536): got += part
    assert got == text[::-1]
PY
expect_exit 1 pausa port-forward --address 127.0.0.1 many "$port:1"
match "who has a port is named" "$errors" "port 127.0.0.1:$port/tcp of this machine is taken by pausa"
expect_exit 4 pausa port-forward nobody 80
match "a pod that is not there" "$errors" 'no pod nobody'
expect_exit 4 pausa port-forward many/nope 80
expect_exit 1 pausa port-forward many :http
match "a name that no container has" "$errors" 'pod many has no port http'
expect_exit 2 pausa port-forward many 80:x:y
expect_exit 2 pausa port-forward many
kill $forwarder $server_pid

# ---- container and pod end and begin again
up --network none "$(server web 8080)"
forward again "$PAUSA" port-forward web :8080
port=$(local_port again)
eventually "before" says 127.0.0.1 "$port" web
kill -9 "$(member_pid web a)"
eventually "the container is back, and reached" says 127.0.0.1 "$port" web
expect_exit 0 pausa stop web
eventually "it says that it waits" told again 'pod web does not run; connections wait'
get 127.0.0.1 "$port" 30 >"$work/waited" &
waiting=$!
expect_exit 0 pausa start web
check "who came meanwhile waits" wait $waiting
same "and is served" web "$(cat "$work/waited")"
eventually "it is told" told again 'pod web serves again'
infra=$(infra_pid web)
kill -9 "$infra"
in_new_sandbox() { local pid; pid=$(infra_pid web); [[ $pid =~ ^[0-9]+$ && $pid != "$infra" ]] && says 127.0.0.1 "$port" web; }
eventually "so it is in a new sandbox" in_new_sandbox
kill -9 "$(field web .pausa.supervisor.pid)"
check "a supervisor has no part in it" says 127.0.0.1 "$port" web
expect_exit 0 pausa down web
up --network none "$(server web 8080)"
eventually "even in another pod of that name" says 127.0.0.1 "$port" web
kill $forwarder
expect_exit 0 pausa down web many

# ---- a Service, a Deployment
{
  printf 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 2\n'
  printf '  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n'
  printf '      terminationGracePeriodSeconds: 0\n      containers:\n      - name: a\n        image: busybox\n'
  printf '        command: [sh, -c, "exec nc -ll -p 8080 -e hostname"]\n        ports: [{name: http, containerPort: 8080}]\n'
  printf -- '---\napiVersion: v1\nkind: Service\nmetadata: {name: db}\nspec:\n  selector: {app: web}\n  ports: [{name: web, port: 80, targetPort: http}]\n'
} >"$work/set.yaml"
expect_exit 0 pausa up -d --network none "$work/set.yaml"
lines=4 forward service "$PAUSA" port-forward svc/db :80 :web
forward set "$PAUSA" port-forward deployment/web :http
for name in service set; do
  port=$(local_port $name)
  reached() { first=$(busybox nc -w 5 127.0.0.1 "$1" </dev/null); echo "$first"; [[ $first == web-* ]]; }
  eventually "one of its pods is reached" reached "$port"
  first=$(busybox nc -w 5 127.0.0.1 "$port" </dev/null)
  same "and stays" "$first" "$(busybox nc -w 5 127.0.0.1 "$port" </dev/null)"
  expect_exit 0 pausa stop "$first"
  other() { local text; text=$(busybox nc -w 2 127.0.0.1 "$port" </dev/null); echo "$text"; [[ $text == web-* && $text != "$first" ]]; }
  eventually "when it is gone, another" other
  expect_exit 0 pausa start "$first"
done
eventually "a Service's port by name" reached "$(local_port service 2)"
expect_exit 1 pausa port-forward svc/db 81
match "a port that it has not" "$errors" 'service/db has no port 81'
expect_exit 4 pausa port-forward svc/none 81
expect_exit 0 pausa down -f "$work/set.yaml"
{
  printf 'apiVersion: v1\nkind: Service\nmetadata: {name: far}\nspec: {type: ExternalName, externalName: db.example.org}\n'
  printf -- '---\napiVersion: v1\nkind: Service\nmetadata: {name: nobody}\nspec:\n  ports: [{port: 80}]\n'
} >"$work/podless.yaml"
expect_exit 0 pausa up -d --network none "$work/podless.yaml"
expect_exit 1 timeout 20 "$PAUSA" port-forward svc/far 80
match "an alias has no pods" "$errors" 'service/far is of type ExternalName: no pods are behind it.*connect to db.example.org itself'
expect_exit 1 timeout 20 "$PAUSA" port-forward svc/nobody :80
match "nor has a Service without a selector" "$errors" 'service/nobody has no selector: no pods are behind it'
expect_exit 0 pausa down -f "$work/podless.yaml"

# ---- UDP
up --network none "$(sleeper udp)"
in_pod udp perl -MSocket -e 'socket(S, PF_INET, SOCK_DGRAM, 0); bind(S, sockaddr_in(53, inet_aton("127.0.0.1")));
  while (my $from = recv(S, my $text, 999, 0)) { send(S, uc $text, 0, $from) }' "$work/" & # by which it is ended
server_pid=$!
forward udp "$PAUSA" port-forward udp 5353:53/udp
asks() {
  perl -MSocket -e 'socket(S, PF_INET, SOCK_DGRAM, 0); connect(S, sockaddr_in(5353, inet_aton("127.0.0.1")));
    send(S, "name", 0); alarm 2; recv(S, my $text, 99, 0); print $text'
}
asked() { [[ $(asks) == NAME ]]; }
eventually "packets, too" asked
kill $forwarder $server_pid
expect_exit 0 pausa down udp

# ---- without root
if command -v newuidmap >/dev/null; then subordinate_ids; fi
for user_network in none pasta; do
  expect_exit 0 mine up -d "$(server web 8080)"
  forward user setpriv --reuid $uid --regid $uid --clear-groups --inh-caps=-all \
    env -i PATH="$PATH" HOME="$home" XDG_RUNTIME_DIR="$home/run" "$program" port-forward web :8080
  port=$(local_port user)
  eventually "a user's pod is reached" says 127.0.0.1 "$port" web
  expect_exit 0 mine stop web
  eventually "it waits" told user 'connections wait'
  expect_exit 0 mine start web
  eventually "and goes on in another user namespace" says 127.0.0.1 "$port" web
  kill -INT $forwarder
  code=0
  wait $forwarder || code=$?
  same "it ends on an interrupt" 130 $code
  expect_exit 0 mine down web
done
user_network=none
