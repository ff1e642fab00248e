# either-net.sh [user]: a host with a network of the test's own, as root (net.sh), or with "user" as a
# user without (user-net.sh). Source it instead of the two; at_bridge runs a command in the network
# that has the bridge, $run_root is where pausa's run folder is.
# shellcheck shell=bash
as=${1:-root}
if [[ $as == user ]]; then
  source "$(dirname "${BASH_SOURCE[0]}")/../support/user-net.sh"
  as_that_user
else
  source "$(dirname "${BASH_SOURCE[0]}")/../support/net.sh"
  at_bridge() { "$@"; }
  # shellcheck disable=SC2034
  run_root=$PAUSA_RUNROOT
fi
