#!/usr/bin/env bash
# Kernels that were built without a part of what the network of pods takes, in virtual machines
# (scripts/guest): `doctor` names the part, pods start with what is left and a note, and who asked for
# more gets an error with the command that mends it.
set -euo pipefail
if [[ ${1:-} != --inside ]]; then
  cd "$(dirname "${BASH_SOURCE[0]}")/../.."
  scripts/guest --check
  for module in veth bridge; do
    scripts/guest --timeout 120 --without $module tests/integration/small-kernels.sh --inside $module
  done
  exit
fi

source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"
module=$2
# As root has it: the default is the bridge.
export PAUSA_RUNROOT=/run/pausa
unset PAUSA_NETWORK
pod() {
  printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\nspec:\n' "$1"
  printf '  containers: [{name: a, image: busybox, command: [sleep, "60"]}]\n'
}

expect_exit '0 1' pausa doctor
match "doctor names $module" "$output" "warning +$module +Operation not supported" "modprobe $module"
expect_exit 1 pausa up -d --network bridge "$(pod a | manifest a)"
match "who asked for a bridge is told what is missing" "$errors" "modprobe $module"
expect_exit 4 pausa inspect a
expect_exit 0 pausa up -d "$(pod b | manifest b)"
match "who did not has a loopback and a note" "$errors" "no network but its own loopback.*modprobe $module"
same "the pod says so" 127.0.0.1 "$(pausa inspect b | jq -r .status.podIP)"
expect_exit 0 pausa down b
same "no interface is left" lo "$(ip -o link | awk -F': ' '!/pausa0/ { print $2 }')"
expect_exit 0 pausa reset --yes
same "nor a bridge" lo "$(ip -o link | awk -F': ' '{ print $2 }')"
