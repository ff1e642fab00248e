#!/usr/bin/env bash
# The network that the pods of a user without root share: each other, the world, published ports,
# and what is left when something is killed.
source "$(dirname "${BASH_SOURCE[0]}")/../support/user-net.sh"
if command -v newuidmap >/dev/null; then subordinate_ids; fi

# reached POD ADDRESS: by ping from inside.
reached() { in_net "$1" busybox ping -c 1 -W 6 "$2" >/dev/null; }
# says TEXT COMMAND…: what it prints.
says() { [[ $("${@:2}" 2>/dev/null) == "$1" ]]; }

# The host's name server is on its loopback, as systemd-resolved's.
echo nameserver 127.0.0.53 >"$work/resolv.conf"
chmod 644 "$work/resolv.conf"
mount --bind "$work/resolv.conf" /etc/resolv.conf
perl -MSocket -e '
  socket(S, PF_INET, SOCK_DGRAM, 0); bind(S, sockaddr_in(53, inet_aton("127.0.0.53"))) or die;
  while (my $from = recv(S, my $text, 999, 0)) { send(S, uc $text, 0, $from) }' &
name_server=$!

# ---- two at once start one
mine up -d "$(sleeper one)" </dev/null >/dev/null 2>"$work/first" &
first=$!
expect_exit 0 mine up -d "$(sleeper two)"
check "the other one, too" wait $first
same "no complaint" "" "$(cat "$work/first" "$work/stderr" | grep -v 'running\|started' || true)"
# Its keeper is there when up ends, its name a moment later.
eventually "one pasta for both" one_of_each
ip1=$(value one .status.podIP) ip2=$(value two .status.podIP)
six=$(value one '.status.podIPs[1].ip')
match "each has an address" "$ip1 $ip2" '^10\.86\.0\.[0-9]+ 10\.86\.0\.[0-9]+$'
differs "of its own" "$ip1" "$ip2"
check "they reach each other" reached two "$ip1"
check "both ways" reached one "$ip2"
check "by IPv6" reached two "$six"
check "and the world" reached two 198.51.100.2
# Not before the kernel has looked for duplicates of pasta0's own addresses.
eventually "by IPv6" reached two 2001:db8:51::2
same "status has the host's address" 198.51.100.1 "$(value one .status.hostIP)"

# ---- the host: by its address, not by its loopback
busybox nc -ll -p 7100 -e echo host >"$work/nc" 2>&1 &
listener=$!
knock() { in_net one timeout 3 busybox nc "$1" 7100 </dev/null; }
eventually "the host is reached by its address" says host knock 198.51.100.1
gateway=$(in_net one ip -j route | jq -r '.[] | select(.dst == "default").gateway')
for address in 127.0.0.1 "$gateway" 169.254.86.1; do
  same "what listens on the host is not at $address" "" "$(knock "$address" 2>/dev/null || true)"
done
kill $listener
same "the machine's own network has nothing new" "eth9 lo" \
  "$(ip -o link | awk -F': |@' '{ print $2 }' | sort | xargs)"

# ---- names
same "the resolver is on their bridge" "nameserver $gateway" \
  "$(mine exec one -- grep nameserver /etc/resolv.conf)"
table() { nsenter --net="/proc/$(keeper)/fd/4" nft "$1" table inet pausa-pausa0; }
table flush
expect_exit 0 mine up -d "$(sleeper plain 'dnsPolicy: Default')"
match "the next pod has flushed rules made again" "$(table list)" masquerade
same "else the name server is one that can be reached" "nameserver 169.254.86.3" \
  "$(mine exec plain -- grep nameserver /etc/resolv.conf)"
expect_exit 0 mine down plain
asks() {
  in_net one timeout 6 perl -MSocket -e 'socket(S, PF_INET, SOCK_DGRAM, 0);
    connect(S, sockaddr_in(53, inet_aton("169.254.86.3"))); send(S, "name", 0);
    alarm 5; recv(S, my $text, 99, 0); print $text'
}
eventually "there the host's own answers" says NAME asks
kill $name_server

# ---- published ports
manifest web <<EOS >/dev/null
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    image: busybox
    command: ["sh", "-c", "mkdir /www && echo web >/www/index.html && exec httpd -f -p 127.0.0.1:80 -h /www"]
    ports: [{containerPort: 80, hostPort: 8080}]
EOS
expect_exit 0 mine up -d "$work/web.yaml"
get() {
  timeout 9 bash -c 'exec 3<>"/dev/tcp/$0/$1"; printf "GET / HTTP/1.0\r\n\r\n" >&3; sed "1,/^\r$/d" <&3' "$@"
}
eventually "a published port is reached on the host" says web get 127.0.0.1 8080
check "from outside" says web outside bash -c "$(declare -f get); get 198.51.100.1 8080"
check "from another pod, by the host's address" says web in_net two bash -c \
  "$(declare -f get); get 198.51.100.1 8080"

# ---- whoever is killed
before=$(pasta)
kill -9 "$before"
eventually "pasta comes back" one_of_each "" "$before"
eventually "with the world" reached one 198.51.100.2
keeper=$(keeper) pasta=$(pasta)
kill -STOP "$keeper"
kill -9 "$pasta"
eventually "pasta is away" dead "$pasta"
expect_exit 0 mine up -d "$(sleeper meanwhile)"
kill -CONT "$keeper"
eventually "a pod that was started meanwhile has the world, too" reached meanwhile 198.51.100.2
same "by packets as large as the others'" "$(in_net one ip route show default)" \
  "$(in_net meanwhile ip route show default)"
expect_exit 0 mine down meanwhile
eventually "pasta is there" one_of_each "" "$pasta"
pasta=$(pasta)
kill -9 "$keeper"
eventually "pasta ends with its keeper" dead "$pasta"
check "the pods still reach each other" reached two "$ip1"
expect_exit 0 mine up -d "$(sleeper three)"
eventually "the next up gives the network a keeper again" one_of_each "$keeper" "$pasta"
check "the new pod is in it" reached three "$ip1"
check "the old ones have the world again" reached one 198.51.100.2
supervisor=$(value one .pausa.supervisor.pid)
kill -9 "$supervisor"
supervisor_is_new() {
  local pid
  pid=$(value one .pausa.supervisor.pid)
  [[ $pid =~ ^[0-9]+$ && $pid != "$supervisor" ]]
}
eventually "the next supervisor is there" supervisor_is_new
infra=$(value one .pausa.infra.pid)
kill -9 "$infra"
has_address() {
  [[ $(value one .pausa.infra.pid) != "$infra" ]] &&
    in_net one ip -4 address show eth0 | grep -qF "$ip1"
}
eventually "a new sandbox has the old address" has_address
eventually "it reaches the others" reached one "$ip2"
eventually "and the world" reached one 198.51.100.2
expect_exit 0 mine stop -t 0 two
expect_exit 0 mine start two
same "stop and start keep the address" "$ip2" "$(value two .status.podIP)"
check "it works again" reached one "$ip2"

# ---- the end
expect_exit 0 mine down one two web
check "it stays for the last one" reached three 198.51.100.2
expect_exit 0 mine down three
eventually "and goes with it" none_of_either
eventually "nothing is left" nobody_left
same "no lease either" "" "$(find "$home/run/pausa/network" -path '*leases/[0-9]*')"

no_process_left() {
  processes_left
  [[ -z $(processes_left) ]]
}

# ---- cut off anywhere
for round in $(seq 6); do
  mine up -d "$(sleeper cut)" </dev/null >/dev/null 2>&1 &
  sleep "0.0$(printf '%02d' $((round * 12)))" # a moment of the start, another one each time
  kill_of_user pausa pausa-supervise pausa-guard pausa-uplink
  wait $! || true
  expect_exit 0 mine down cut
  eventually "nothing is left (round $round)" nobody_left
done
expect_exit 0 mine up -d "$(sleeper last)"
check "and it can be made again" reached last 198.51.100.2
kill_all_of_user
eventually "no process is left without any command" no_process_left
expect_exit 0 mine down last
eventually "nothing is left" nobody_left

# ---- what there is without pasta
mount -t tmpfs -o mode=755 tun /dev/net
expect_exit 0 mine up -d "$(sleeper alone)"
match "without /dev/net/tun a note says so" "$errors" 'own loopback: /dev/net/tun .*chmod 666'
same "and there is the loopback" 127.0.0.1 "$(value alone .status.podIP)"
for mode in pasta bridge; do
  expect_exit 1 mine up -d --network $mode "$(sleeper wanted)"
  match "who asks for more gets an error" "$errors" 'pod wanted: /dev/net/tun cannot be opened'
done
umount /dev/net
true >"$work/nothing"
chmod 644 "$work/nothing"
mount --bind "$work/nothing" "$(readlink -f "$(type -P pasta)")"
expect_exit 1 mine up -d --network pasta "$(sleeper wanted)"
same "the error names the package, and speaks of no pod" "pausa: pod wanted: pasta is not installed; install it (package passt)" "$errors"
expect_exit 0 mine down alone
expect_exit 1 as_user env PAUSA_SUBNET=nonsense "$program" up -d "$(sleeper wanted)"
match "nonsense is an error" "$errors" '^pausa: pod wanted: PAUSA_SUBNET: "nonsense" is no range for pods'
umount "$(readlink -f "$(type -P pasta)")"
expect_exit 1 pausa up -d --network pasta "$(sleeper root)"
match "root has no use for it" "$errors" 'root has the bridge'
