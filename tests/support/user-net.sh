# user-net.sh: a user without privileges (user.sh) on a host with a network of the test's own
# (net.sh). Source it instead of the two.
# shellcheck shell=bash
if [[ -z ${PAUSA_TEST_OWN_NET:-} ]] && ((EUID == 0)); then
  PAUSA_TEST_OWN_NET=$(stat -L -c %i /proc/self/ns/net) PAUSA_TEST_OWN_ETC=1 exec \
    unshare --net --mount --propagation private "$BASH" "$0" "$@"
fi
source "$(dirname "${BASH_SOURCE[0]}")/../support/user.sh"
source "$(dirname "${BASH_SOURCE[0]}")/../support/net.sh"
command -v pasta >/dev/null || skip "pasta is not installed"
[[ -r /proc/misc ]] && grep -qw tun /proc/misc || skip "this kernel has no tun devices"

end_user_and_outside() {
  local status=$?
  set +e
  end_servers
  (exit $status)
  end_all
}
trap end_user_and_outside EXIT

user_network=''

# Every user may open it, as on most machines.
mount -t tmpfs -o mode=755 tun /dev/net
mknod -m 666 /dev/net/tun c 10 200
echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range

# as_that_user: from here on "pausa" is that user's, with a bridge, and so is what net.sh and lib.sh
# do with it.
as_that_user() {
  if command -v newuidmap >/dev/null; then subordinate_ids; fi
  pausa() { as_user "$program" "$@"; }
  # shellcheck disable=SC2034 # names-dns.sh reads it
  run_root=$home/run/pausa
  # COMMAND…: in the network that has the bridge; by a keeper that is there.
  at_bridge() { nsenter --net="/proc/$(keeper)/fd/4" "$@"; }
}

# in_net POD COMMAND…: as root in that user's pod's network.
in_net() { nsenter -t "$(value "$1" .pausa.infra.pid)" -n "${@:2}"; }
# Of the user, by their names: the process that keeps the network, and pasta.
keeper() { pgrep -r R,S,D -U $uid -x pausa-uplink || true; }
pasta() { pgrep -r R,S,D -U $uid -f '^pasta ' || true; }
# one_of_each: exactly one of both, and they are not $1 and $2.
one_of_each() {
  local keeper pasta
  keeper=$(keeper) pasta=$(pasta)
  echo "pausa-uplink: $keeper, pasta: $pasta"
  [[ $keeper =~ ^[0-9]+$ && $pasta =~ ^[0-9]+$ && $keeper != "${1:-}" && $pasta != "${2:-}" ]]
}
none_of_either() {
  echo "pausa-uplink: $(keeper), pasta: $(pasta)"
  [[ -z $(keeper)$(pasta) ]]
}
# kill_of_user NAME…: kills its processes of these names.
kill_of_user() {
  local process
  for process in /proc/[0-9]*; do
    [[ $(stat -c %u "$process" 2>/dev/null) == "$uid" &&
      " $* " == *" $(process_name "${process#/proc/}") "* ]] || continue
    kill -9 "${process#/proc/}"
  done 2>/dev/null || true
}
# All that it has, in one go: no guard is left to begin a supervisor.
kill_all_of_user() { as_user bash -c 'kill -9 -1' || true; }
