#!/usr/bin/env bash
# As a user without privileges: first with one id only, then with subordinate ids.
source "$(dirname "${BASH_SOURCE[0]}")/../support/user.sh"
cp "$source_root/manifests/01-hello.yaml" "$work/hello.yaml"
chmod a+r "$work/hello.yaml"

# one NAME [FIELD: VALUE]…: a pod of one member that sleeps, with these fields of its container.
one() {
  {
    printf 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: %s\nspec:\n' "$1"
    printf '  volumes:\n  - {name: data, emptyDir: {}}\n  containers:\n'
    printf '  - name: a\n    image: busybox\n    command: ["sleep", "3600"]\n'
    printf '    volumeMounts: [{name: data, mountPath: /data}]\n'
    shift
    for field; do echo "    $field"; done
  } | manifest "one"
}

supervisor_is_new() { # OLD
  local now
  now=$(value plain .pausa.supervisor.pid)
  differs "the supervisor is another" "$1" "$now"
  alive "$now"
}

# What holds with one id and with many.
in_both_ways() {
  expect_exit 0 mine up -d "$work/hello.yaml"
  expect_exit 0 mine wait --for=exited --timeout 120s hello
  expect_exit 0 mine logs hello/client
  match "01-hello runs without privileges" "$output" 'hello from the pod hello'
  expect_exit 0 mine down hello

  expect_exit 0 mine up -d "$(one plain)"
  local pid supervisor
  pid=$(pid_of plain a)
  supervisor=$(value plain .pausa.supervisor.pid)
  differs "in a user namespace" "$(ns self user)" "$(ns "$pid" user)"
  same "which is its supervisor's" "$(ns "$supervisor" user)" "$(ns "$pid" user)"
  same "root inside is that user outside" $uid \
    "$(awk '$1 == "Uid:" { print $2 }' "/proc/$pid/status")"
  expect_exit 0 mine exec plain/a id -u
  same "and root inside" 0 "$output"
  expect_exit 0 mine exec plain/a sh -c 'echo out >/data/file; echo >/dev/null; stat -c %u /etc /data/file'
  same "the files belong to root inside" $'0\n0' "$output"
  expect_exit 0 mine exec plain/a ls /sys/class/net
  same "/sys shows the pod's own network" lo "$output"
  expect_exit 0 pausa ps
  check "root does not see that user's pods" test -z "$(grep plain <<<"$output")"

  # The next supervisor finds the way into the same user namespace.
  kill -9 "$supervisor"
  eventually "the supervisor comes back" supervisor_is_new "$supervisor"
  expect_exit 0 mine restart plain/a
  pid=$(pid_of plain a)
  same "a restarted member is in the same user namespace" "$(ns "$(value plain .pausa.infra.pid)" user)" \
    "$(ns "$pid" user)"
  expect_exit 0 mine stop plain
  expect_exit 0 mine start plain
  expect_exit 0 mine exec plain/a cat /data/file
  same "volumes outlive a stop" out "$output"
  expect_exit 0 mine down plain

  sed 's/^spec:/&\n  hostNetwork: true/' "$(one open)" >"$work/open.yaml"
  expect_exit 0 mine up -d "$work/open.yaml"
  same "hostNetwork is the host's" "$(ns self net)" "$(ns "$(pid_of open a)" net)"
  expect_exit 0 mine down open

  # A limit that nobody can keep is an error that names the way out; our own are no obstacle.
  run mine up -d "$(one limited 'resources: {limits: {memory: 64Mi}}')"
  if ((code != 0)); then match "the error names the limit" "$errors" 'container a: .*memory'; fi
  expect_exit 0 mine down --all
  eventually "nothing is left" nobody_left
}

in_both_ways
expect_exit 0 mine up -d "$(one single)"
same "one id is mapped" "0 $uid 1" "$(awk '{ print $1, $2, $3 }' "/proc/$(pid_of single a)/uid_map")"
expect_exit 0 mine down single
expect_exit 1 mine up -d "$(one other 'securityContext: {runAsUser: 1000}')"
match "another user needs subordinate ids" "$errors" 'runAsUser 1000 .*/etc/subuid .*newuidmap'
eventually "and nothing was made" nobody_left

# Killed at any moment of the start, all of them but infra: no infra stays that no record names.
kill_helpers() {
  local process
  for process in /proc/[0-9]*; do
    if [[ $(stat -c %u "$process" 2>/dev/null) == "$uid" &&
      $(process_name "${process#/proc/}") == pausa* &&
      $(process_name "${process#/proc/}") != pausa-infra ]]; then
      kill -KILL "${process#/proc/}" 2>/dev/null || true
    fi
  done
}
for round in $(seq 12); do
  mine up -d "$(one cut)" </dev/null >/dev/null 2>&1 &
  sleep "0.0$(printf '%02d' $((round * 4)))" # a moment of the start, another one each time
  kill_helpers
  wait $! || true
  expect_exit 0 mine down cut
  eventually "nothing is left (round $round)" nobody_left
done

command -v newuidmap >/dev/null || {
  echo "skipped: subordinate ids: newuidmap is not installed"
  exit 0
}
subordinate_ids
in_both_ways

expect_exit 0 mine up -d "$(one many 'securityContext: {runAsUser: 1000, runAsGroup: 1000}')"
pid=$(pid_of many a)
same "the subordinate ids are mapped" "0 $uid 1 1 $first_subordinate 65536" \
  "$(awk '{ print $1, $2, $3 }' "/proc/$pid/uid_map" | xargs)"
same "user 1000 is the 1000th of them" $((first_subordinate + 999)) \
  "$(awk '$1 == "Uid:" { print $2 }' "/proc/$pid/status")"
expect_exit 0 mine exec many/a sh -c 'id -u; mkdir -p /data/deep/er; touch /data/deep/er/file; chmod 0 /data/deep'
same "the member is user 1000" 1000 "$output"
volume=$home/.local/share/pausa/pods/default_many/volumes/data
same "on disk, too" $((first_subordinate + 999)) "$(stat -c %u "$volume/deep")"
expect_exit 1 mine up -d "$(one far 'securityContext: {runAsUser: 70000}')"
match "ids end somewhere" "$errors" 'runAsUser 70000 is not mapped .* 0 to 65536'

# Without a supervisor, too, the files of others are removed.
infra=$(value many .pausa.infra.pid)
expect_exit 0 mine stop many
eventually "stopped" dead "$infra"
expect_exit 0 mine rm many
eventually "the files of subordinate ids are gone" nobody_left
