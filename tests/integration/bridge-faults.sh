#!/usr/bin/env bash
# Bridges that cannot be made, ranges that run out, commands that are killed.
source "$(dirname "${BASH_SOURCE[0]}")/../support/net.sh"

# ---- a range that is in use, a bridge of somebody else
export PAUSA_SUBNET=198.51.100.0/25
expect_exit 1 pausa up -d --network bridge "$(sleeper a)"
match "a range that overlaps is refused by name" "$errors" '198\.51\.100\.0/25 .*overlaps.* 198\.51\.100\.0/24'
expect_exit 4 pausa inspect a
doctor() {
  expect_exit '0 1' pausa doctor
  match "doctor says so, too" "$output" "$1"
}
doctor 'warning +pausa0 .*198\.51\.100\.0/25 .*overlaps.* 198\.51\.100\.0/24'
export PAUSA_SUBNET=10.9.9.0/33
expect_exit 1 pausa up -d --network bridge "$(sleeper a)"
match "a range that is none is refused" "$errors" 'PAUSA_SUBNET'
doctor 'warning +network +PAUSA_SUBNET: "10.9.9.0/33"'
unset PAUSA_SUBNET
doctor 'ok +pausa0 '
ip link add pausa0 type bridge
doctor 'warning +pausa0 .*is there already'
expect_exit 1 pausa up -d --network bridge "$(sleeper a)"
match "somebody else's bridge is left alone" "$errors" 'pausa0 is there already' 'ip link delete pausa0'
ip link delete pausa0
expect_exit 1 env PAUSA_BRIDGE=eth9 "$PAUSA" up -d --network bridge "$(sleeper a)"
match "what is no bridge is not to be deleted for us" "$errors" 'not made by this pausa; use another name \(PAUSA_BRIDGE\)$'

# ---- from the environment, from flags, what the manifest wants anyway


export PAUSA_SUBNET=10.9.9.0/29
expect_exit 0 env PAUSA_NETWORK=bridge "$PAUSA" up -d "$(sleeper a)"
match "the configured range is used" "$(field a .status.podIP)" '^10\.9\.9\.'
doctor 'ok +pausa0 '
ip route add 10.9.9.4/30 via 198.51.100.2
doctor 'warning +pausa0 .*10\.9\.9\.4/30, which overlaps its range 10\.9\.9\.0/29; pausa reset'
ip route delete 10.9.9.4/30
expect_exit 1 env PAUSA_NETWORK=fast "$PAUSA" up -d "$(sleeper b)"
match "an unknown default is refused" "$errors" 'PAUSA_NETWORK: "fast" must be none, bridge or pasta'
expect_exit 2 pausa up -d --network '' "$(sleeper b)"
match "an empty name, too" "$errors" '--network: "" is no name for a network'
expect_exit 0 env PAUSA_NETWORK=bridge "$PAUSA" up -d --network none "$(sleeper b)"
same "the flag decides" 127.0.0.1 "$(field b .status.podIP)"
up --network host "$(sleeper c)"
same "the host's network by a flag" "$(ns self net)" "$(ns "$(member_pid c a)" net)"
same "and it stands in the manifest" true "$(field c .spec.hostNetwork)"
expect_exit 0 pausa down a b c

# ---- the range of Services
offered=$(service web 'selector: {app: web}' 'ports: [{port: 80}]')
for range in nonsense 10.9.9.0/29; do
  expect_exit 1 env PAUSA_SERVICE_SUBNET=$range "$PAUSA" up -d "$offered"
  match "a range that will not do is refused by name" "$errors" "$range" 'PAUSA_SERVICE_SUBNET'
done
same "and nothing is stored" "" "$(pausa service ls -o name)"
expect_exit 0 env PAUSA_SERVICE_SUBNET=10.124.0.0/16 "$PAUSA" up -d "$offered"
match "the configured range is used" "$(pausa service ls -o json | jq -r '.items[0].spec.clusterIP')" '^10\.124\.'
expect_exit 0 pausa down "$offered"

# ---- the last address
for i in 1 2 3 4 5; do up --network bridge "$(sleeper p$i)"; done
same "all five addresses are given" 5 "$(leases)"
expect_exit 1 pausa up -d --network bridge "$(sleeper p6)"
match "the sixth pod is told why" "$errors" 'no address is left in 10\.9\.9\.0/29'
expect_exit 4 pausa inspect p6
expect_exit 0 pausa down p3
up --network bridge "$(sleeper p6)"
same "an address that was given up is given again" 5 "$(leases)"
expect_exit 0 pausa down p1 p2 p4 p5 p6
same "all are given up" 0 "$(leases)"

# ---- killed anywhere, the next command leaves nothing
for delay in 0.002 0.004 0.006 0.008 0.010 0.012 0.015 0.020 0.030; do
  "$PAUSA" up -d --network bridge "$(sleeper k)" >/dev/null 2>&1 &
  command=$!
  sleep $delay
  kill -9 $command 2>/dev/null || true
  wait $command 2>/dev/null || true
  for pid in $(pgrep -x 'pausa-supervise|pausa-guard'); do
    if tr '\0' '\n' <"/proc/$pid/environ" | grep -qxF "PAUSA_RUNROOT=$PAUSA_RUNROOT"; then kill -9 "$pid" || true; fi
  done 2>/dev/null
  run pausa down k
  same "killed after $delay s: no lease is left" 0 "$(leases)"
done
eventually "no port is left" no_port
