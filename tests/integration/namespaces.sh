#!/usr/bin/env bash
# Who shares which namespace, looked up in /proc, and that `inspect` and `ns` tell the same.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"
kinds='mnt net pid ipc uts user cgroup time'

# The ordinary pod.
up "$(three shared)"
infra=$(infra_pid shared)
for kind in net ipc uts pid; do
  differs "infra has a $kind namespace of its own" "$(ns self $kind)" "$(ns "$infra" $kind)"
done
for member in a b c; do
  pid=$(member_pid shared $member)
  for kind in net ipc uts pid; do
    same "$member is in the pod's $kind namespace" "$(ns "$infra" $kind)" "$(ns "$pid" $kind)"
  done
  for kind in mnt cgroup; do
    differs "$member has a $kind namespace of its own" "$(ns "$infra" $kind)" "$(ns "$pid" $kind)"
    differs "not the host's" "$(ns self $kind)" "$(ns "$pid" $kind)"
  done
  same "infra is its parent" "$infra" "$(awk '$1 == "PPid:" { print $2 }' "/proc/$pid/status")"
done
differs "two members have two roots" "$(ns "$(member_pid shared a)" mnt)" \
  "$(ns "$(member_pid shared b)" mnt)"
same "infra is process 1" 1 "$(awk '$1 == "NSpid:" { print $NF }' "/proc/$infra/status")"
expect_exit 0 pausa exec shared/a hostname
same "the host name is the pod's" shared "$output"
expect_exit 0 pausa exec shared/a cat /proc/1/comm
same "members see infra as process 1" pausa-infra "$output"
expect_exit 0 pausa exec shared/a ip -o link
match "loopback is up" "$output" 'lo: <LOOPBACK,UP'

# What inspect says is what the kernel says.
for kind in $kinds; do
  same "inspect knows infra's $kind namespace" "$(ns "$infra" "$kind")" \
    "$(field shared ".pausa.infra.namespaces.$kind")"
  same "inspect knows a's $kind namespace" "$(ns "$(member_pid shared a)" "$kind")" \
    "$(field shared ".pausa.containers.a.namespaces.$kind")"
done
expect_exit 0 pausa ns shared
for word in $kinds infra a b c; do
  check "the matrix shows $word" grep -qw -- "$word" <<<"$output"
done

# Private PID namespaces: nested in infra's.
up "$(three private 'shareProcessNamespace: false')"
infra=$(infra_pid private)
for member in a b; do
  pid=$(member_pid private $member)
  differs "$member has a PID namespace of its own" "$(ns "$infra" pid)" "$(ns "$pid" pid)"
  same "it is nested in the pod's" 3 "$(awk '$1 == "NSpid:" { print NF - 1 }' "/proc/$pid/status")"
  same "$member is in the pod's network" "$(ns "$infra" net)" "$(ns "$pid" net)"
done
expect_exit 0 pausa exec private/a sh -c 'ls -d /proc/[0-9]* | wc -l'
between "a sees itself and this exec only" 2 "$output" 4
runs_sleep() { [[ $(pausa exec private/a cat /proc/1/comm) == sleep ]]; }
eventually "process 1 is its own" runs_sleep

# The host's, on request.
up "$(three open 'hostNetwork: true' 'hostPID: true' 'hostIPC: true')"
pid=$(member_pid open a)
for kind in net pid ipc; do
  same "host$kind is the host's" "$(ns self $kind)" "$(ns "$pid" $kind)"
done
differs "the mount namespace is never the host's" "$(ns self mnt)" "$(ns "$pid" mnt)"
expect_exit 0 pausa down open

# A user namespace.
if unshare --user true 2>/dev/null; then
  up "$(three mapped 'hostUsers: false')"
  pid=$(member_pid mapped a)
  differs "hostUsers: false makes a user namespace" "$(ns self user)" "$(ns "$pid" user)"
  same "shared by the members" "$(ns "$pid" user)" "$(ns "$(member_pid mapped b)" user)"
  differs "root inside is somebody else outside" 0 \
    "$(awk '$1 == "Uid:" { print $2 }' "/proc/$pid/status")"
  expect_exit 0 pausa exec mapped/a id -u
  same "and root inside" 0 "$output"
  expect_exit 0 pausa exec mapped/a touch /etc/mine
  expect_exit 0 pausa exec mapped/a stat -c %u /etc/passwd /etc/mine
  same "the root file system belongs to root inside" $'0\n0' "$output"
else
  echo "skipped: hostUsers: this machine allows no user namespace"
fi

# A time namespace.
if [[ -e /proc/self/ns/time ]]; then
  up "$(
    manifest later <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: later
  annotations:
    pausa/boottime-offset: 1000h
    pausa/monotonic-offset: 2000h
spec:
  containers:
    - {name: a, image: busybox, command: ["sleep", "3600"]}
YAML
  )"
  pid=$(member_pid later a)
  differs "the offsets make a time namespace" "$(ns self time)" "$(ns "$pid" time)"
  up_here=$(cut -d. -f1 /proc/uptime)
  up_there=$(pausa exec later/a cut -d. -f1 /proc/uptime </dev/null)
  between "the pod's clock is 1000 hours ahead" 3599990 $((up_there - up_here)) 3600060
else
  echo "skipped: time offsets: this kernel has no time namespaces"
fi

expect_exit 0 pausa down --all
eventually "nothing is left" nothing_remains
