#!/usr/bin/env bash
# The PROXY protocol at published ports: servers hear who has connected.
source "$(dirname "${BASH_SOURCE[0]}")/../support/net.sh"
command -v python3 >/dev/null || skip "python3 is not installed"

# A server that parses both versions, and tells its client what it has heard and what came then.
cat >"$work/server.py" <<'PY'
import socket, struct, sys, threading
def serve(c):
    f = c.makefile('rb')
    head = f.read(12)
    if head == b'\r\n\r\n\0\r\nQUIT\n':
        command, family, size = struct.unpack('>BBH', f.read(4))
        text = f.read(size)
        n, kind = (4, socket.AF_INET) if family == 0x11 else (16, socket.AF_INET6)
        ports = struct.unpack('>HH', text[2 * n:])
        heard = 'v2 %s %s %d' % (socket.inet_ntop(kind, text[:n]), socket.inet_ntop(kind, text[n:2 * n]), ports[1])
        assert command == 0x21
    elif head.startswith(b'PROXY '):
        words = (head + f.readline()).decode().split()
        heard = 'v1 %s %s %s' % (words[2], words[3], words[5])
    else:
        heard = 'nothing'
        c.sendall(heard.encode()); c.close(); return
    rest = f.read()
    c.sendall(heard.encode() + b' ' + rest); c.close()
s = socket.create_server(('0.0.0.0', int(sys.argv[1])), backlog=100)
while True:
    c, _ = s.accept()
    threading.Thread(target=serve, args=(c,), daemon=True).start()
PY
cat >"$work/pod.yaml" <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations: {pausa/proxy-protocol: "8001,8002/v2"}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: a
    image: busybox
    command: [sleep, "3600"]
    ports:
    - {containerPort: 8001, hostPort: 18001}
    - {containerPort: 8002, hostPort: 18002}
    - {containerPort: 8003, hostPort: 18003}
YAML
ask() { # COMMAND-PREFIX… -- ADDRESS PORT
  local before=()
  while [[ $1 != -- ]]; do before+=("$1") && shift; done
  "${before[@]}" python3 - "$2" "$3" <<'PY'
import socket, sys
c = socket.create_connection((sys.argv[1], int(sys.argv[2])), 15)
c.sendall(b'GET'); c.shutdown(socket.SHUT_WR)
text = b''
while part := c.recv(999): text += part
print(text.decode())
PY
}
hears() { local text; text=$(ask "${@:3}" -- "$1" 1"$2" 2>&1); echo "$text"; [[ $text == "$expected" ]]; }
for network in none bridge; do
  expect_exit 0 pausa up -d --network $network "$work/pod.yaml"
  servers=()
  for port in 8001 8002 8003; do
    in_pod web python3 "$work/server.py" $port &
    servers+=($!)
  done
  expected='v1 198.51.100.2 198.51.100.1 18001 GET'
  eventually "version 1 tells the client's address" hears 198.51.100.1 8001 outside
  for _ in 1 2 3; do check "every time: the kernel does not carry it" hears 198.51.100.1 8001 outside; done
  expected='v2 198.51.100.2 198.51.100.1 18002 GET'
  eventually "version 2 likewise" hears 198.51.100.1 8002 outside
  expected='v2 2001:db8:51::2 2001:db8:51::1 18002 GET'
  eventually "of IPv6" hears 2001:db8:51::1 8002 outside
  expected='v1 127.0.0.1 127.0.0.1 18001 GET'
  eventually "on the loopback" hears 127.0.0.1 8001
  expected='nothing'
  eventually "other ports have none of it" hears 198.51.100.1 8003 outside
  kill "${servers[@]}"
  expect_exit 0 pausa down web
done
sed -i 's/, hostPort: 18001//' "$work/pod.yaml"
expect_exit 0 pausa up --dry-run "$work/pod.yaml"
match "a port that is not published has nothing of it, and a note says so" "$errors" 'has no effect on port 8001 without a hostPort'
expect_exit 0 pausa up --dry-run --publish 18001:8001 "$work/pod.yaml"
same "unless the command publishes it" "" "$errors"
sed -i 's/8001,8002/http/' "$work/pod.yaml"
expect_exit 3 pausa up -d "$work/pod.yaml"
match "what is no port is a fault" "$errors" 'must be ports of the pod, as "8080" or "8080,8443/v2"'
