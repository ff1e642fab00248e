#!/usr/bin/env bash
# An up of several pods and objects is one: they go at the same time, and all of it stands or
# nothing is changed, whether one of them fails, somebody interrupts it or it is killed.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

# pod NAME COMMAND [SPEC-LINE]: a document.
pod() {
  cat <<YAML
---
apiVersion: v1
kind: Pod
metadata: {name: $1}
spec:
  terminationGracePeriodSeconds: 4
  ${3:-restartPolicy: Always}
  containers:
    - name: main
      image: busybox
      command: ["sh", "-c", "$2"]
      env: [{name: COLOUR, valueFrom: {configMapKeyRef: {name: settings, key: colour}}}]
YAML
}
settings() {
  printf -- '---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {colour: %s}\n' "$1"
}
idle='sleep 1000'
stubborn="trap '' TERM; while true; do sleep 1; done"
# Once it has set its trap: SIGTERM is the fifteenth bit of the signals that are ignored.
deaf() {
  local mask
  mask=$(awk '$1 == "SigIgn:" { print $2 }' "/proc/$(member_pid "$1" main)/status")
  ((0x$mask >> 14 & 1))
}
five_are_deaf() { for i in 1 2 3 4 5; do deaf "p$i" || return; done; }
colour() { jq -r .data.colour "$PAUSA_ROOT/objects/default/configmap/settings.json"; }
up_in_background() {
  "$PAUSA" up -d "$1" >"$work/shown" 2>"$work/told" </dev/null &
  running=$!
}

# Several at once, told in the manifest's order.
five() { for i in 5 3 1 2 4; do pod "p$i" "$1"; done; }
expect_exit 0 pausa up -d "$({ settings blue; five "$stubborn"; } | manifest five)"
same "in the manifest's order" $'configmap/settings\npod/p5\npod/p3\npod/p1\npod/p2\npod/p4' "$output"
for i in 1 2 3 4 5; do trace "p$i"; done
eventually "none listens to SIGTERM" five_are_deaf
begin=$(now_ms)
expect_exit 0 pausa up -d "$({ settings blue; five "$idle"; } | manifest five)"
between "five graces of four seconds at the same time" 3900 $(($(now_ms) - begin)) 18000
five_hosts() { for i in 5 3 1 2 4; do pod "p$i" "$stubborn" "hostname: $1"; done; }
expect_exit 0 pausa up -d "$({ settings blue; five "$stubborn"; } | manifest five)"
eventually "none listens to SIGTERM any more" five_are_deaf
begin=$(now_ms)
expect_exit 0 pausa up -d "$({ settings blue; five_hosts other; } | manifest five)"
between "five made anew at the same time" 3900 $(($(now_ms) - begin)) 18000
match "in their order, too" "$errors" $'p5: recreate.*\n.*p3: recreate.*\n.*p1'
same "as they are wanted" other "$(pausa exec p4 hostname)"
expect_exit 0 pausa down -t 0 "$work/five.yaml"

# One that cannot be set up: nothing of the others is left.
expect_exit 1 pausa up -d "$({ settings blue; pod good "$idle"; pod bad x; pod late "$idle"; } |
  sed '/name: bad/,/^---/s/\["sh".*/["\/no\/such"]/' | manifest broken)"
match "it says which" "$errors" 'pod bad: container main: .*No such file'
expect_exit 0 pausa ps -a -q
same "no pod" "" "$output"
check "no object" test ! -e "$PAUSA_ROOT/objects/default/configmap/settings.json"
check "no journal" test -z "$(ls "$PAUSA_ROOT/undo")"

# With pods that ran before: one is changed as it lives, one made anew, one is new, one is broken.
before() { settings blue; pod changed "$idle"; pod anew "$idle"; }
after() { settings red; pod changed "echo; $idle"; pod anew "$idle" 'hostname: other'; pod new "$idle"; }
expect_exit 0 pausa up -d "$(before | manifest set)"
trace changed
as_before() {
  [[ $(field changed '.spec.containers[0].command[2]') == "$idle" ]] &&
    [[ $(field anew .spec.hostname) == null && $(colour) == blue ]] &&
    [[ $(pausa exec anew sh -c 'echo $COLOUR') == blue ]] &&
    [[ $(pausa exec changed sh -c 'echo $COLOUR') == blue ]] &&
    [[ $(pausa ps -a -q | sort) == $'anew\nchanged' && -z $(find "$PAUSA_ROOT/undo" -name '*.json') ]]
}
infra=$(infra_pid changed)
expect_exit 1 pausa up -d "$({ after; pod bad x | sed 's/\["sh".*/["\/no\/such"]/'; } | manifest set)"
match "it is told" "$errors" 'taking back what was begun'
check "all is as it was" as_before
same "the living pod lives on" "$infra" "$(infra_pid changed)"

# A changed container that does not start.
expect_exit 1 pausa up -d "$(before | sed '0,/\["sh".*/s//["\/no\/such"]/' | manifest set)"
match "it says why" "$errors" 'pod changed: container main.*No such file'
check "it goes back" as_before
eventually "and runs" field_is changed '.status.containerStatuses[0].ready' true

# Interrupted while an init container takes its time.
slow() { after; pod slow "$idle" 'initContainers: [{name: i, image: busybox, command: [sleep, "1000"]}]'; }
under_way() { pausa ps -a -q | grep -q slow && field_is anew .spec.hostname other; }
for signal in INT TERM; do
  up_in_background "$(slow | manifest set)"
  eventually "it is under way" under_way
  kill -$signal $running
  result=0
  wait $running || result=$?
  same "interrupted" 130 $result
  check "all is as it was" as_before
done

# Killed: the next command takes it back.
up_in_background "$(slow | manifest set)"
eventually "it is under way" under_way
kill -KILL $running
wait $running 2>/dev/null || true
expect_exit 0 pausa ps -a
match "the next command says so" "$errors" 'an up was cut off; taking back'
check "all is as it was" as_before
expect_exit 0 pausa ps -a
same "once" "" "$errors"

# Also a change that a supervisor has been asked for and has not come to. (The new pod comes after.)
supervisor=$(field changed .pausa.supervisor.pid)
kill -STOP "$supervisor"
up_in_background "$(after | manifest set)"
asked() { [[ -e $PAUSA_ROOT/pods/default_new && -e $PAUSA_ROOT/pods/default_changed/manifest.next.json ]]; }
eventually "it is asked" asked
kill -KILL $running
wait $running 2>/dev/null || true
"$PAUSA" ps -a >"$work/shown" 2>"$work/told" </dev/null &
running=$!
eventually "the next command takes it back" grep -q 'taking back' "$work/told"
kill -CONT "$supervisor" 2>/dev/null || true
check "and waits for what was asked" wait $running
check "all is as it was" as_before

# A container that ends is no failure of up.
expect_exit 0 pausa up -d "$({ after; pod ends 'exit 3' 'restartPolicy: Never'; } | manifest set)"
same "the new settings" red "$(colour)"

# --prune: what the file brought and no longer names.
expect_exit 0 pausa up -d "$({ settings green; pod other "$idle"; } | sed 's/settings/elsewhere/' | manifest elsewhere)"
trace other
claim() {
  printf -- '---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: db}\n'
  printf 'spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n'
}
extra() { printf -- '---\napiVersion: v1\nkind: Secret\nmetadata: {name: extra}\nstringData: {a: b}\n'; }
expect_exit 0 pausa up -d "$({ before; claim; extra; pod old "$idle"; } | manifest set)"
trace old
expect_exit 0 pausa up -d "$(before | manifest set)"
same "without it they stay" Running "$(phase old)"
expect_exit 0 pausa diff "$(before | manifest set)"
expect_exit 1 pausa diff --prune "$(before | manifest set)"
same "diff tells" $'configmap/settings: keep\nchanged: keep\nanew: keep\nends: remove\nnew: remove\nold: remove\nsecret/extra: remove' "$output"
expect_exit 0 pausa up --dry-run --prune --volumes "$(before | manifest set)"
match "a dry run tells, too" "$output" 'old: remove.*secret/extra: remove.persistentvolumeclaim/db: remove'
expect_exit 0 pausa up -d --prune "$(before | manifest set)"
match "it is told" "$errors" 'pod old: remove.*secret/extra: remove'
same "they are gone, others are not" $'anew\nchanged\nother' "$(pausa ps -a -q | sort)"
check "the Secret is gone" test ! -e "$PAUSA_ROOT/objects/default/secret/extra.json"
check "the claim is not" test -e "$PAUSA_ROOT/objects/default/persistentvolumeclaim/db.json"
expect_exit 0 pausa up -d --prune --volumes "$(before | manifest set)"
check "now it is" test ! -e "$PAUSA_ROOT/objects/default/persistentvolumeclaim/db.json"
# What is still referred to cannot go.
expect_exit 3 pausa up -d --prune "$(before | sed '1,/^data/d' | manifest set)"
match "it is named" "$errors" 'settings'
# A folder: a file that is gone took its pods with it.
mkdir "$work/folder"
mv "$(pod one "$idle" | sed 's/settings/elsewhere/' | manifest one)" "$(pod two "$idle" | sed 's/settings/elsewhere/' | manifest two)" "$work/folder"
expect_exit 0 pausa up -d "$work/folder"
trace two
rm "$work/folder/two.yaml"
expect_exit 0 pausa up -d --prune "$work/folder/"
expect_exit 4 pausa inspect two
same "the other one runs" Running "$(phase one)"
expect_exit 0 pausa down -t 0 --all
eventually "nothing is left" nothing_remains
