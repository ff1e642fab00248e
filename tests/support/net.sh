# net.sh: a host for tests of the network: a network namespace of the test's own, so that nothing of
# the machine's network is ever touched. Source it instead of lib.sh. "outside" is a second one, at
# 198.51.100.2 and 2001:db8:51::2, that the host (198.51.100.1, 2001:db8:51::1) reaches by eth9.
# shellcheck shell=bash
if [[ -z ${PAUSA_TEST_OWN_NET:-} ]] && ((EUID == 0)); then
  PAUSA_TEST_OWN_NET=$(stat -L -c %i /proc/self/ns/net) exec \
    unshare --net --mount --propagation private "$BASH" "$0" "$@"
fi
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"
[[ $(stat -L -c %i /proc/self/ns/net) != "${PAUSA_TEST_OWN_NET:-}" &&
  $(stat -L -c %i /proc/self/ns/net) != $(stat -L -c %i /proc/1/ns/net 2>/dev/null) ]] ||
  fail "this test would run in the machine's own network"
for tool in ip nft nsenter busybox perl; do
  command -v $tool >/dev/null || skip "$tool is not installed"
done
unset PAUSA_NETWORK

ip link set lo up
unshare --net sleep infinity &
outside_pid=$!
outside() { nsenter -t $outside_pid -n "$@"; }
apart() { [[ $(stat -L -c %i /proc/self/ns/net) != $(stat -L -c %i /proc/$outside_pid/ns/net) ]]; }
eventually "there is an outside" apart
ip link add eth9 type veth peer name eth9 netns $outside_pid
ip address add 198.51.100.1/24 dev eth9
ip -6 address add 2001:db8:51::1/64 dev eth9 nodad
ip link set eth9 up
outside ip link set lo up
outside ip address add 198.51.100.2/24 dev eth9
outside ip -6 address add 2001:db8:51::2/64 dev eth9 nodad
outside ip link set eth9 up
ip route add default via 198.51.100.2
ip -6 route add default via 2001:db8:51::2

# Servers of the test: behind nsenter, they outlive the shell that began them.
end_servers() {
  local server
  kill $outside_pid
  wait $outside_pid 2>/dev/null
  for server in /proc/[0-9]*; do
    grep -qsaF "$work/" "$server/cmdline" && kill -KILL "${server##*/}" 2>/dev/null
  done
}

end_outside() {
  local status=$?
  set +e
  end_servers
  (exit $status)
  finish
}
trap end_outside EXIT

# in_pod POD COMMAND…: in the pod's network, with the host's files.
in_pod() { nsenter -t "$(infra_pid "$1")" -n "${@:2}"; }
# sleeper NAME [FIELD: VALUE]…: a pod with one container that sleeps.
sleeper() {
  local name=$1 field
  shift
  {
    printf 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: %s\nspec:\n' "$name"
    for field; do echo "  $field"; done
    printf '  containers:\n  - {name: a, image: busybox, command: ["sleep", "3600"]}\n'
  } | manifest "$name"
}
# NAME [FIELD: VALUE]…
service() { object v1 Service "$@"; }
policy() { object networking.k8s.io/v1 NetworkPolicy "$@"; }
reaches() { in_pod "$1" busybox ping -c 1 -W 6 "$2" >/dev/null; }
leases() { find "$PAUSA_RUNROOT"/network/bridges/*/leases -name '[0-9]*' | wc -l; }
no_port() { ! ip -o link show type veth | grep -q ' pausa'; }
