#!/usr/bin/env bash
# Published ports on the bridge: what the kernel forwards, what the supervisor does, and that one
# takes over from the other.
source "$(dirname "${BASH_SOURCE[0]}")/../support/net.sh"

# serving NAME PORTS SCRIPT: a pod that runs the script; `serve ADDRESS` answers on its port 80 with
# the address of who asks.
serving() {
  manifest "$1" <<EOF
apiVersion: v1
kind: Pod
metadata:
  name: $1
spec:
  terminationGracePeriodSeconds: 0
  volumes: [{name: state, emptyDir: {}}]
  containers:
  - name: web
    image: busybox
    volumeMounts: [{name: state, mountPath: /state}]
    command:
    - sh
    - -c
    - |
      mkdir -p /www/cgi-bin
      printf '#!/bin/sh\necho; echo "from \$REMOTE_ADDR"\n' >/www/cgi-bin/who
      chmod 755 /www/cgi-bin/who
      serve() { exec httpd -f -p "\$1:80" -h /www; }
      $3
    ports: $2
EOF
}
cat >"$work/ask" <<'EOF'
exec 3<>"/dev/tcp/$1/$2" || exit 1
printf 'GET /cgi-bin/who HTTP/1.0\r\n\r\n' >&3
grep '^from' <&3
EOF
# says WORDS ADDRESS PORT [COMMAND…]
says() {
  local said
  said=$("${@:4}" timeout 9 bash "$work/ask" "$2" "$3" 2>&1)
  echo "$said"
  [[ $said =~ $1 ]]
}
mapped() { [[ $(nft list map inet pausa-pausa0 any4) == *"tcp . $1 : "* ]]; }
not_mapped() { ! mapped "$1"; }

up --network bridge "$(serving all '[{containerPort: 80, hostPort: 8080}]' 'serve 0.0.0.0')"
ip=$(field all .status.podIP)
check "no connection, no element" not_mapped 8080
eventually "the supervisor forwards the first" says "from $ip" 127.0.0.1 8080
eventually "then the kernel does" mapped 8080
check "the client's address is kept" says 'from 198.51.100.2$' 198.51.100.1 8080 outside
check "on the host's loopback" says "from ${ip%.*.*}.0.1\$" 127.0.0.1 8080
check "on the host's address" says 'from 198.51.100.1$' 198.51.100.1 8080
check "IPv6, where the server has none, takes the supervisor" says from ::1 8080
up --network bridge "$(sleeper other)"
check "another pod is answered" says from 198.51.100.1 8080 in_pod other
check "the pod itself, too" says from 198.51.100.1 8080 in_pod all

# ---- a server on the pod's loopback
up --network bridge "$(serving inner '[{containerPort: 80, hostPort: 8081}]' 'serve 127.0.0.1')"
eventually "is reached" says 'from 127.0.0.1' 127.0.0.1 8081
check "from outside" says from 198.51.100.1 8081 outside
check "by the supervisor" not_mapped 8081
expect_exit 0 pausa down inner

# ---- one that changes its mind
up --network bridge "$(serving moody '[{containerPort: 80, hostPort: 8082}]' \
  'if mkdir /state/before 2>/dev/null; then serve 0.0.0.0; else serve 127.0.0.1; fi')"
eventually "the kernel forwards" eval 'says from 127.0.0.1 8082 && mapped 8082'
expect_exit 0 pausa restart moody/web
eventually "after the restart the supervisor does" says 'from 127.0.0.1' 198.51.100.1 8082 outside
check "the kernel no more" not_mapped 8082

# ---- nobody is there to forward
guard=$(field all .pausa.guard.pid) supervisor=$(field all .pausa.supervisor.pid)
kill -STOP "$guard"
kill -9 "$supervisor"
eventually "the supervisor is dead" dead "$supervisor"
check "the kernel forwards on" says 'from 198.51.100.2' 198.51.100.1 8080 outside
kill -CONT "$guard"
nft flush ruleset
eventually "without rules the supervisor forwards" says from 198.51.100.1 8080
expect_exit 0 pausa up -d --network bridge "$work/other.yaml"
again() { says from 198.51.100.1 8080 outside && mapped 8080; }
eventually "with new ones the kernel does" again

# ---- rules of another version: they are made anew, and the port leads where it led
mark=$(nft list chains inet | sed -n 's/.*chain \(made_[0-9a-f]*\) .*/\1/p')
nft flush chain inet pausa-pausa0 leave
nft rename chain inet pausa-pausa0 "$mark" made_before
coproc outside perl -MIO::Socket::INET -e '$| = 1; my $s = IO::Socket::INET->new("198.51.100.1:8080") or die;
  print "open\n"; <STDIN>; print $s "GET /cgi-bin/who HTTP/1.0\r\n\r\n"; print grep /^from/, <$s>;'
read -r -t 20 opened <&"${COPROC[0]}"
same "a connection is made" open "$opened"
kill -STOP "$(field all .pausa.guard.pid)" "$(field all .pausa.supervisor.pid)"
expect_exit 0 pausa up -d --network bridge "$work/other.yaml"
match "the rules are made anew" "$(nft list chain inet pausa-pausa0 leave)" masquerade
same "with their mark" "$mark" "$(nft list chain inet pausa-pausa0 "$mark" | sed -n 's/.*chain \(.*\) {/\1/p')"
check "the kernel forwards still" says 'from 198.51.100.2' 198.51.100.1 8080 outside
echo >&"${COPROC[1]}"
read -r -t 20 heard <&"${COPROC[0]}"
same "and a connection that was established lives on" "from 198.51.100.2" "$heard"
kill -CONT "$(field all .pausa.guard.pid)" "$(field all .pausa.supervisor.pid)"

# ---- ports that come and go, and the end
expect_exit 0 pausa up -d --network bridge "$(serving all '[{containerPort: 80, hostPort: 8090}]' 'serve 0.0.0.0')"
check "a port that is gone is the kernel's no more" not_mapped 8080
eventually "the new one is" eval 'says from 127.0.0.1 8090 && mapped 8090'
expect_exit 0 pausa stop -t 0 all
check "a stopped pod has none" not_mapped 8090
expect_exit 0 pausa start all
eventually "it has it again" eval 'says from 127.0.0.1 8090 && mapped 8090'
infra=$(infra_pid all)
kill -9 "$(field all .pausa.guard.pid)" "$(field all .pausa.supervisor.pid)" "$infra"
eventually "all is dead" dead "$infra"
check "the element is still there" mapped 8090
up --network bridge "$(serving heir '[{containerPort: 80, hostPort: 8090}]' 'serve 0.0.0.0')"
eventually "it does not lead the next pod's clients astray" says from 127.0.0.1 8090
expect_exit 0 pausa down heir
expect_exit 0 pausa down all
check "the next command takes it out" not_mapped 8090

# ---- nor those of a pod elsewhere
up --network bridge "$(serving all '[{containerPort: 80, hostPort: 8090}]' 'serve 0.0.0.0')"
eventually "the kernel forwards" eval 'says from 127.0.0.1 8090 && mapped 8090'
infra=$(infra_pid all)
kill -9 "$(field all .pausa.guard.pid)" "$(field all .pausa.supervisor.pid)" "$infra"
eventually "all is dead" dead "$infra"
left=$(nft list map inet pausa-pausa0 any4 | sed -n 's/.*elements = {\(.*\)}.*/\1/p')
for where in bridge none; do
  nft add element inet pausa-pausa0 any4 "{ $left }"
  expect_exit 0 env PAUSA_BRIDGE=second "$PAUSA" up -d --network $where \
    "$(serving heir '[{containerPort: 80, hostPort: 8090}]' 'serve 0.0.0.0')"
  eventually "on another bridge or none it is reached (--network $where)" says from 127.0.0.1 8090
  expect_exit 0 pausa down heir
done
expect_exit 0 pausa down all

# ---- nor those of one address of the host
nft add element inet pausa-pausa0 one4 '{ tcp . 127.0.0.1 . 8090 : 10.86.0.99 . 80 }'
up --network bridge "$(serving heir '[{containerPort: 80, hostPort: 8090}]' 'serve 0.0.0.0')"
eventually "who has the port on all addresses is reached there, too" says from 127.0.0.1 8090
expect_exit 0 pausa down heir

# ---- nor those of all addresses who has one of them
nft add element inet pausa-pausa0 any4 '{ tcp . 8090 : 10.86.0.99 . 80 }'
up --network bridge "$(serving heir '[{containerPort: 80, hostPort: 8090, hostIP: 127.0.0.1}]' 'serve 0.0.0.0')"
eventually "who has the port on one address is reached there" says from 127.0.0.1 8090
check "nothing else is led away" not_mapped 8090
expect_exit 0 pausa down heir

# ---- a port of the host's loopback is for the host
up --network bridge "$(serving private '[{containerPort: 80, hostPort: 8083, hostIP: 127.0.0.1}]' 'serve 0.0.0.0')"
ours() { [[ $(nft list map inet pausa-pausa0 one4) == *"127.0.0.1 . 8083 : "* ]]; }
eventually "the kernel forwards it" eval 'says from 127.0.0.1 8083 && ours'
outside ip link set lo up
outside ip address delete 127.0.0.1/8 dev lo
outside ip route add 127.0.0.1 via 198.51.100.1
outside sh -c 'echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet'
code=0
says from 127.0.0.1 8083 outside || code=1
same "a neighbour's frame to 127.0.0.1 does not get there" 1 "$code"
expect_exit 0 pausa down private

# ---- what was left behind by pods that nobody remembers leads to no heir of their address
up --network bridge "$(sleeper former)"
ip=$(field former .status.podIP)
ip=${ip%.*}.$((${ip##*.} + 1))
printf 'add element inet pausa-pausa0 any4 { tcp . %s : '"$ip"' . 80 }\n' {20001..21000} | nft -f -
up --network bridge "$(sleeper next)"
same "the next pod has the next address" "$ip" "$(field next .status.podIP)"
same "but none of a thousand ports" 0 "$(nft list map inet pausa-pausa0 any4 | grep -c "$ip . 80" || true)"
