#!/usr/bin/env bash
# What a container may not, by default and when the manifest asks for less.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

up "$(
  manifest cell <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: cell
spec:
  containers:
    - {name: usual, image: busybox, command: ["sleep", "3600"]}
    - name: less
      image: busybox
      command: ["sleep", "3600"]
      securityContext:
        runAsUser: 1000
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
    - name: other
      image: busybox
      command: ["sleep", "3600"]
      securityContext:
        capabilities: {drop: [ALL], add: [NET_BIND_SERVICE, NET_ADMIN]}
YAML
)"
in_usual() { pausa exec cell/usual "$@" </dev/null; }
status_line() { awk -v name="$2:" '$1 == name { print $2 }' "/proc/$(member_pid cell "$1")/status"; }

# With our own eyes, in the kernel's account of the process.
same "the eleven capabilities" 00000000800405fb "$(status_line usual CapEff)"
same "and no more to gain" 00000000800405fb "$(status_line usual CapBnd)"
for member in usual less other; do
  same "$member: nothing inheritable" 0000000000000000 "$(status_line $member CapInh)"
  same "$member: nothing ambient" 0000000000000000 "$(status_line $member CapAmb)"
  same "$member: a system call filter" 2 "$(status_line $member Seccomp)"
done
same "drop ALL" 0000000000000000 "$(status_line less CapBnd)"
same "a user without privileges has none" 0000000000000000 "$(status_line less CapEff)"
same "allowPrivilegeEscalation: false" 1 "$(status_line less NoNewPrivs)"
same "unset leaves it off" 0 "$(status_line usual NoNewPrivs)"
same "add" 0000000000001400 "$(status_line other CapEff)"
for fd in "/proc/$(member_pid cell usual)/fd/"*; do
  between "no descriptor beyond the three" 0 "${fd##*/}" 2
done

# From inside.
for path in /proc/kcore /proc/keys /proc/timer_list; do
  if [[ -e $path ]]; then same "$path is masked" '' "$(in_usual head -c 16 $path 2>/dev/null | tr -d '\0')"; fi
done
for path in /proc/acpi /proc/scsi /sys/firmware; do
  if [[ -d $path ]]; then same "$path is masked" '' "$(in_usual ls $path)"; fi
done
for path in /proc/sys/kernel/hostname /proc/sysrq-trigger /proc/irq/default_smp_affinity; do
  if [[ -e $path ]]; then
    expect_exit 1 pausa exec cell/usual sh -c "echo x > $path"
    match "$path cannot be written" "$errors" 'Read-only|denied|not permitted'
  fi
done
expect_exit 1 pausa exec cell/usual mkdir /sys/fs/cgroup/mine
expect_exit 1 pausa exec cell/usual mount -t tmpfs x /tmp
match "mount is refused" "$errors" 'not permitted|denied'
expect_exit 1 pausa exec cell/usual unshare -U true
expect_exit 1 pausa exec cell/usual mknod /tmp/disk b 8 0
match "no device node" "$errors" 'not permitted'
expect_exit 1 pausa exec cell/less touch /mine
match "the root is read-only" "$errors" 'Read-only'
same "the devices there are" \
  "fd full mqueue null ptmx pts random shm stderr stdin stdout termination-log tty urandom zero" \
  "$(in_usual ls /dev | grep -vx -e console -e core | xargs)"
expect_exit 0 pausa exec cell/usual sh -c 'echo x > /dev/null; head -c 4 /dev/urandom | wc -c'
same "which work" 4 "$output"
expect_exit 0 pausa exec cell/usual sh -c 'echo x > /dev/shm/file; stat -c %a /dev/shm /tmp'
same "places to write" $'1777\n1777' "$output"

# PID 1 is out of reach for the members: no signal, no root, no descriptors.
in_usual kill -KILL 1 || true
in_usual kill -TERM 1 || true
check "infra lives" alive "$(infra_pid cell)"
expect_exit 1 pausa exec cell/usual ls /proc/1/root
# (Their numbers may be seen, as the kernel lets root list them; nothing behind them may be.)
expect_exit 1 pausa exec cell/usual readlink /proc/1/fd/3
expect_exit 1 pausa exec cell/usual cat /proc/1/fd/4
same "infra has no capability" 0000000000000000 \
  "$(awk '$1 == "CapEff:" { print $2 }' "/proc/$(infra_pid cell)/status")"

# Our own program is what a member was before it executed its own: it can be had, but not written to.
before=$(sha256sum <"$PAUSA")
mkfifo "$work/line"
exec {line}<>"$work/line"
pausa exec cell/usual /proc/self/exe validate - <"$work/line" >/dev/null 2>&1 &
session=$!
# shellcheck disable=SC2016
overwrite='for p in /proc/[0-9]*; do
  case $(readlink $p/exe 2>/dev/null) in /bin/*|"") ;; *) echo found; : >$p/exe;; esac
done'
attacked() {
  run in_usual sh -c "$overwrite"
  echo "$output $errors"
  [[ $output == found* ]]
}
eventually "our program is found in the container" attacked
match "it is out of reach" "$(<"$work/stderr")" 'Read-only file system'
exec {line}>&-
kill $session 2>/dev/null || true
wait $session || true
same "and the same" "$before" "$(sha256sum <"$PAUSA")"

# The host's files are nowhere, and the environment starts empty.
export PAUSA_TEST_SECRET=do-not-leak
expect_exit 0 pausa exec cell/usual env
check "the caller's environment stays outside" test -z "$(grep PAUSA_TEST_SECRET <<<"$output")"
expect_exit 1 pausa exec cell/usual ls "$work"

expect_exit 0 pausa down cell

# A field of security is honoured or refused.
for field in 'securityContext: {runAsNonRoot: true}' \
  'securityContext: {seccompProfile: {type: Localhost}}' \
  'securityContext: {sysctls: [{name: kernel.core_pattern, value: x}]}'; do
  run pausa up -d "$(three refused "$field")"
  differs "refused: $field" 0 "$code"
  expect_exit 4 pausa inspect refused
done
eventually "nothing is left" nothing_remains
