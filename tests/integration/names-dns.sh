#!/usr/bin/env bash
# names-dns.sh [user]: names of pods: the resolver on the bridge, what it passes on, and what it
# survives. With "user" by a user without root, whose pods' network the bridge is in.
source "$(dirname "${BASH_SOURCE[0]}")/../support/either-net.sh"
command -v python3 >/dev/null || skip "python3 is not installed"

# The host's server: it answers ADDRESS for every name, by UDP and TCP, slowly for "slow.*".
mkdir -p "$work/etc"
cat >"$work/server.py" <<'PY'
import socket, struct, sys, threading, time
def answer(query):
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode()); at += 1 + query[at]
    question = query[12:at + 5]
    name = '.'.join(labels)
    if name.startswith('big.'):
        return name, query[:2] + b'\x83\x80\0\1\0\0\0\0\0\0' + question
    if name.startswith('gone.'):
        return name, query[:2] + b'\x81\x83\0\1\0\0\0\0\0\0' + question
    return name, query[:2] + b'\x81\x80\0\1\0\1\0\0\0\0' + question + \
        b'\xc0\x0c\0\1\0\1\0\0\0\5\0\4' + socket.inet_aton('203.0.113.9')
def tcp():
    server = socket.create_server((sys.argv[1], 53))
    while True:
        c, _ = server.accept()
        size = struct.unpack('>H', c.recv(2))[0]
        _, text = answer(c.recv(size).replace(b'\3big', b'\3bag'))
        text = text.replace(b'\3bag', b'\3big')
        c.sendall(struct.pack('>H', len(text)) + text); c.close()
threading.Thread(target=tcp, daemon=True).start()
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind((sys.argv[1], 53))
print('ready', flush=True)
while True:
    query, client = udp.recvfrom(4096)
    try: name, text = answer(query)
    except Exception: continue
    udp.sendto(b'\x12\x34' + text[2:], client)       # somebody else's id: not to be heard
    udp.sendto(text, client)
PY
outside python3 "$work/server.py" 198.51.100.2 >"$work/server" 2>&1 &
server_pid=$!
eventually "the host's server serves" grep -q ready "$work/server"
printf 'nameserver 198.51.100.2\nsearch corp.example\n' >"$work/etc/resolv.conf"
mount --bind "$work/etc/resolv.conf" /etc/resolv.conf

# lookup POD NAME [TYPE]: the addresses (or names) that nslookup says.
lookup() { pausa exec "$1" -- nslookup -type="${3:-a}" "$2" 2>&1 | awk '/^Name:/ { on = 1 } on && /^Address/ { print $NF } / (name|canonical name) = / { print $NF }' | sort | paste -sd,; }
resolves() { [[ $(lookup "$1" "$2") == "$3" ]]; }

up --network bridge "$(sleeper one)"
up --network bridge "$(sleeper two 'hostname: front' 'subdomain: shop')"
ip2=$(field two .status.podIP)
gateway=$(in_pod one ip -j route | jq -r '.[] | select(.dst == "default").gateway')
same "resolv.conf asks the bridge, in a cluster's domains" \
  "search default.svc.cluster.local svc.cluster.local cluster.local corp.example nameserver $gateway options ndots:5" \
  "$(pausa exec one -- cat /etc/resolv.conf | paste -sd' ')"

# ---- pods by name
same "a pod finds another by its name" "$ip2" "$(lookup one two.default.svc.cluster.local)"
same "a name is the same in capitals" "$ip2" "$(lookup one TWO.Default.svc.cluster.local)"
same "by its full name, of hostname and subdomain" "$ip2" \
  "$(lookup one front.shop.default.svc.cluster.local)"
same "by its address" "$ip2" "$(lookup one "${ip2//./-}.default.pod.cluster.local")"
# Nobody listens there: that is heard from the pod itself.
finds() { [[ $(pausa exec "$1" -- nc -w 3 "$2" 9 2>&1) == *"Connection refused"* ]]; }
check "by its short name, as programs do" finds one two
check "and by name and namespace" finds one two.default
same "the name of an address" two.default.svc.cluster.local "$(pausa exec one -- nslookup "$ip2" | sed -n "s/.*name = //p")"
same "IPv6, too" "$(field two '.status.podIPs[1].ip')" \
  "$(lookup one two.default.svc.cluster.local aaaa)"
match "what is not there is not" \
  "$(pausa exec one -- nslookup nobody.default.svc.cluster.local 2>&1 || true)" NXDOMAIN
same "the host asks, too" "$ip2" "$(at_bridge busybox nslookup -type=a two.default.svc.cluster.local "$gateway" |
  awk '/^Name:/ { on = 1 } on && /^Address/ { print $NF }')"

# ---- the rest of the world
same "other names come from the host's server" 203.0.113.9 "$(lookup one www.example.com)"
match "and that they are not there, too" \
  "$(pausa exec one -- nslookup gone.example.com 2>&1 || true)" NXDOMAIN
ask_tcp() { # NAME: by TCP, from the pod's network; prints the last four bytes of the answer
  in_pod one python3 - "$gateway" "$1" <<'PY'
import socket, struct, sys
name = b''.join(bytes([len(l)]) + l.encode() for l in sys.argv[2].split('.')) + b'\0'
query = b'\0\7\1\0\0\1\0\0\0\0\0\0' + name + b'\0\1\0\1'
c = socket.create_connection((sys.argv[1], 53), 5)
for _ in range(2):
    c.sendall(struct.pack('>H', len(query)) + query)
    size = struct.unpack('>H', c.recv(2, socket.MSG_WAITALL))[0]
    text = c.recv(size, socket.MSG_WAITALL)
print(socket.inet_ntoa(text[-4:]))
PY
}
same "by TCP the same, several on one connection" "$ip2" "$(ask_tcp two.default.svc.cluster.local)"
same "what is cut short is asked again by TCP" 203.0.113.9 "$(ask_tcp big.example.com)"
if [[ $as == root ]]; then outside ip route add 10.86.0.0/16 via 198.51.100.1; fi
same "a question from elsewhere is not answered" "" \
  "$(outside timeout 2 busybox nslookup -type=a two.default.svc.cluster.local "$gateway" 2>/dev/null |
    awk '/^Name:/ { on = 1 } on && /^Address/ { print $NF }')"

# ---- hostile questions
in_pod one python3 - "$gateway" <<'PY'
import os, random, socket, sys
random.seed(1)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
good = b'\0\7\1\0\0\1\0\0\0\0\0\0\3two\7default\3svc\7cluster\5local\0\0\1\0\1'
for i in range(3000):
    m = bytearray(good)
    for _ in range(random.randrange(1, 6)): m[random.randrange(len(m))] = random.randrange(256)
    s.sendto(bytes(m[:random.randrange(len(m) + 1)]), (sys.argv[1], 53))
PY
eventually "after three thousand broken questions it answers" resolves one two.default.svc.cluster.local "$ip2"

# ---- many at once, while supervisors come and go
# A line for each hundred answers, and one for each question that was lost.
in_pod one python3 - "$gateway" "$work/enough" >"$work/load" <<'PY' &
import os, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(0.2)
asked = 0
while not os.path.exists(sys.argv[2]):
    query = asked.to_bytes(2, 'big') + b'\1\0\0\1\0\0\0\0\0\0\3two\7default\3svc\7cluster\5local\0\0\1\0\1'
    for attempt in range(100):
        s.sendto(query, (sys.argv[1], 53))
        try:
            while s.recv(512)[:2] != query[:2]: pass
            break
        except TimeoutError: pass
    else: print('lost', flush=True)
    asked = (asked + 1) % 60000
    if asked % 100 == 0: print('answered', flush=True)
PY
load=$!
for i in 1 2 3; do
  one=$(field one .pausa.supervisor.pid) two=$(field two .pausa.supervisor.pid)
  kill -9 "$two" "$one"
  another() { local pid; pid=$(field "$1" .pausa.supervisor.pid); [[ $pid != "$2" ]] && alive "$pid"; }
  supervised() { another one "$one" && another two "$two"; }
  eventually "supervisors are back" supervised
  up --network bridge "$(sleeper "more$i")"
  had=$(wc -l <"$work/load")
  goes_on() { (($(wc -l <"$work/load") > had + 1)); }
  eventually "questions are answered again" goes_on
done
touch "$work/enough"
wait $load
same "none was lost for good when the supervisors that had them were killed" answered "$(sort -u "$work/load")"

# ---- without a resolver of ours
expect_exit 0 pausa down one more1 more2 more3
eventually "one pod's resolver is enough" resolves two two.default.svc.cluster.local "$ip2"
expect_exit 0 pausa down two
without_resolver() {
  python3 -c "
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('0.0.0.0', 53)); time.sleep(60)" &
  holder=$!
  taken() { busybox netstat -lnu | grep -q '0.0.0.0:53 '; }
  eventually "the port is taken" taken
  up --network bridge "$(sleeper first)"
  up --network bridge "$(sleeper second)"
  match "it is told" "$(pausa events second)" 'nobody answers for the names of pods: port 53 of .* is taken'
  check "names that were known at the start stand in /etc/hosts" finds second first
  same "and the servers are the host's" "nameserver 198.51.100.2" \
    "$(pausa exec second -- grep nameserver /etc/resolv.conf)"
  kill $holder
  expect_exit 0 pausa down first second
}
# The network of a user's pods has gone with the last of them, and who could have taken the port.
if [[ $as == root ]]; then without_resolver; fi

# ---- the end
same "no name is left" "" "$(find "$run_root/network/names" -type f)"
kill $server_pid
umount /etc/resolv.conf
expect_exit 0 pausa reset --yes
