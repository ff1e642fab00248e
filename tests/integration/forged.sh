#!/usr/bin/env bash
# What a pod sends under an address that is not its own, and what others send to addresses that are
# not for them, arrives nowhere.
source "$(dirname "${BASH_SOURCE[0]}")/../support/net.sh"
command -v python3 >/dev/null || skip "python3 is not installed"

# FROM PORT TO PORT TEXT: a datagram from any address; of IPv6 this needs no capability.
cat >"$work/say.py" <<'P'
import socket, sys
own, port, to, at, text = sys.argv[1:]
six = ':' in to
s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IPV6 if six else socket.IPPROTO_IP, 78 if six else 19, 1)
s.bind((own, int(port)))
s.sendto(text.encode(), (to, int(at)))
P
# ADDRESS PORT [answer]: a line for each datagram that comes.
cat >"$work/hear.py" <<'P'
import socket, sys
six = ':' in sys.argv[1]
s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
if six: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
s.bind((sys.argv[1], int(sys.argv[2])))
print('ready', flush=True)
while True:
    text, sender = s.recvfrom(999)
    print(text.decode(), flush=True)
    if len(sys.argv) > 3: s.sendto(sys.argv[3].encode(), sender)
P
say() { in_pod "$1" python3 "$work/say.py" "${@:2}"; }
# hears FILE COMMAND…: the command hears, into FILE.
hears() {
  "${@:2}" >"$1" 2>&1 &
  servers+=($!)
  eventually "somebody listens" grep -q '^ready$' "$1"
}
servers=()
heard() { grep -v '^ready$' "$1" | sort -u | xargs; }
has_heard() { grep -q "^$2$" "$1"; }

by_default=$(</proc/sys/net/ipv6/conf/default/accept_ra)
up --network bridge "$(sleeper evil)"
up --network bridge "$(sleeper two)"
own4=$(field evil '.status.podIPs[0].ip')
own6=$(field evil '.status.podIPs[1].ip')
two4=$(field two '.status.podIPs[0].ip')
pool=${own4%.*.*}

# ---- to the world and to the host: as itself only
for six in '' 6; do
  world=198.51.100.2 host=198.51.100.1 own=$own4 stranger=203.0.113.9 any=0.0.0.0
  [[ $six ]] && world=2001:db8:51::2 host=2001:db8:51::1 own=$own6 stranger=2001:db8:99::9 any=::
  hears "$work/world$six" outside python3 "$work/hear.py" $any 9000
  hears "$work/host$six" python3 "$work/hear.py" $any 9001
  reaches evil $world
  for claimed in $stranger $host $world; do
    say evil $claimed 7000 $world 9000 forged
    say evil $claimed 7000 $host 9001 forged
  done
  say evil "$own" 7001 $world 9000 honest
  say evil "$own" 7001 $host 9001 honest
  for side in world host; do
    eventually "the $side hears a pod (IPv${six:-4})" has_heard "$work/$side$six" honest
    same "and nobody whose name it took (IPv${six:-4})" honest "$(heard "$work/$side$six")"
  done
done

# ---- nor as the host's loopback to a pod, whose answer would come back to a service there
hears "$work/loopback" python3 "$work/hear.py" 127.0.0.53 5353
hears "$work/two" in_pod two python3 "$work/hear.py" 0.0.0.0 9999 answer
echo 0 | tee /proc/sys/net/ipv4/conf/*/send_redirects >/dev/null
in_pod evil sh -c 'echo 1 >/proc/sys/net/ipv4/conf/eth0/route_localnet'
in_pod evil ip route add "$two4" via "$pool.0.1"
say evil 127.0.0.53 5353 "$two4" 9999 forged
say evil "$own4" 7002 "$two4" 9999 honest
eventually "a pod hears its neighbour over the host" has_heard "$work/two" honest
same "and not as the loopback" honest "$(heard "$work/two")"
same "the loopback hears nothing" "" "$(heard "$work/loopback")"

# ---- the address of a Service is for the machine and its pods
up --network bridge "$(busybox_pod web 'app: web' 'command: [httpd, -f, -p, "80"]')"
expect_exit 0 pausa up -d "$(service web 'selector: {app: web}' 'ports: [{port: 80}]')"
cluster=$(pausa service ls -o json | jq -r '.items[0].spec.clusterIP')
outside ip route add "$cluster" via 198.51.100.1
connects() { "$@" busybox nc -w 2 "$cluster" 80 </dev/null; }
eventually "a pod comes to the Service" connects in_pod evil
check "the machine does" connects env
check "the world does not" eval '! connects outside'

# ---- nobody on a bridge tells the host, or a neighbour, of ways into the world (CVE-2020-13401)
cat >"$work/advertise.py" <<'P'
import socket, struct
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex('eth0'))
s.bind(('fe80::bad', 0, 0, socket.if_nametoindex('eth0')))
s.sendto(struct.pack('!BBHBBHII', 134, 0, 0, 64, 8, 1800, 0, 0), ('ff02::1', 0))
P
advertise() {
  in_pod "$1" ip -6 address add fe80::bad/64 dev eth0 nodad
  in_pod "$1" python3 "$work/advertise.py"
}
expect_exit 0 pausa network create plain --no-ipv6
for pod in liar neighbour; do up --network plain "$(sleeper $pod)"; done
check "a pod of a network that was made later comes to the Service" connects in_pod neighbour
taken() { "$@" ip -6 route show default | grep fe80::bad; }
advertise liar
advertise evil
unheard() { ! taken env && ! taken in_pod neighbour && ! taken in_pod two; }
for _ in 1 2 3 4 5; do
  check "what a pod advertises is nothing to the host and its neighbours" unheard
  sleep 0.1
done
same "what others make later is as it was" "$by_default" \
  "$(</proc/sys/net/ipv6/conf/default/accept_ra)"
kill "${servers[@]}"
wait "${servers[@]}" 2>/dev/null || true
