#!/usr/bin/env bash
# pausa logs: what was written is what is read, by member, merged, followed, cut.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

up "$(
  manifest talk <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: talk
spec:
  restartPolicy: Never
  volumes: [{name: go, emptyDir: {}}]
  containers:
    - name: many
      image: busybox
      command: ["sh", "-c", "seq 1 200000; printf 'no newline at the end'"]
    - name: both
      image: busybox
      command: ["sh", "-c", "echo to stdout; echo to stderr >&2"]
    - name: slow
      image: busybox
      command: ["sh", "-c", "echo begin; until [ -e /go/on ]; do sleep 0.05; done; echo end"]
      volumeMounts: [{name: go, mountPath: /go}]
YAML
)"
for member in many both; do
  eventually "$member has written all" status_is talk $member '.state.terminated.exitCode' 0
done
begun() { [[ $(pausa logs talk/slow) == begin ]]; }
eventually "slow has begun" begun

{
  seq 1 200000
  printf 'no newline at the end'
} >"$work/expected"
pausa logs talk/many >"$work/actual" </dev/null
# A last line without its newline may be shown with one.
check "every byte is there, in order" cmp -s "$work/expected" \
  <(head -c "$(stat -c %s "$work/expected")" "$work/actual")

expect_exit 0 pausa logs --tail 3 talk/many
same "--tail" $'199999\n200000\nno newline at the end' "$output"
expect_exit 0 pausa logs --tail 0 talk/many
same "--tail 0 is nothing" '' "$output"

expect_exit 0 pausa logs talk/both
match "stdout and stderr of a member" "$output" 'to stdout'
match "stdout and stderr of a member" "$output" 'to stderr'

expect_exit 0 pausa logs --tail 2 --timestamps talk/many
match "--timestamps are RFC 3339" "$output" $'^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]+(Z|[+-][0-9:]+) 200000'

expect_exit 0 pausa logs --prefix --tail 1 talk
for member in many both slow; do
  match "all members of the pod, with their names" "$output" "$member"
done

future=$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)
expect_exit 0 pausa logs --since "$future" talk/both
same "--since a time to come is nothing" '' "$output"
expect_exit 0 pausa logs --since 1h talk/both
match "--since an hour ago is all" "$output" 'to stdout'

# Following: what is there, what comes, and an end when the member ends.
"$PAUSA" logs -f talk/slow >"$work/followed" </dev/null &
follower=$!
eventually "the follower shows the past" grep -q begin "$work/followed"
pausa exec talk/slow touch /go/on </dev/null
eventually "and what comes" grep -q end "$work/followed"
eventually "and ends with the member" dead $follower
check "with 0" wait $follower
same "once each" $'begin\nend' "$(<"$work/followed")"

# A reader that goes away does not disturb the pod.
pausa logs talk/many </dev/null 2>"$work/stderr" | head -n 1 >/dev/null || true

# Nor does one that stops reading.
up "$(
  manifest chatty <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: chatty
spec:
  restartPolicy: Never
  containers:
    - {name: talker, image: busybox, command: ["seq", "1", "1000000"]}
YAML
)"
mkfifo "$work/stuck"
exec 8<>"$work/stuck"
"$PAUSA" logs -f chatty >&8 </dev/null &
reader=$!
PATIENCE=60 eventually "the member ends although its reader is stuck" \
  status_is chatty talker .state.terminated.exitCode 0
kill $reader 2>/dev/null || true
wait $reader || true
exec 8>&-
same "nothing is missing" 1000000 "$(pausa logs chatty/talker </dev/null | wc -l)"

expect_exit 0 pausa down --all
