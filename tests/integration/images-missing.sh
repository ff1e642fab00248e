#!/usr/bin/env bash
# Images that are gone when a container or a pod is to start again: Kubernetes' reasons stand where its
# users look for them, and what can be had is brought.
# Fields: Container.imagePullPolicy
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"
for tool in skopeo python3; do type -P $tool >/dev/null || skip "$tool is not installed"; done
make_image="$(dirname "${BASH_SOURCE[0]}")/../support/make-image.sh"

mkdir -p "$work/tree/bin"
cp "$(type -P busybox)" "$work/tree/bin/busybox"
for applet in sh cat sleep; do ln -s busybox "$work/tree/bin/$applet"; done
tar -C "$work/tree" --owner 0 --group 0 -cf "$work/tree.tar" .
"$make_image" "$work/layout" v1 '{"Env":["PATH=/bin"],"Cmd":["sleep","1000"]}' "$work/tree.tar"
image=oci:$work/layout:v1
pod() { # pod NAME POLICY
  manifest "$1" <<YAML
apiVersion: v1
kind: Pod
metadata: {name: $1}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - {name: a, image: "$image", imagePullPolicy: $2}
    - {name: b, image: busybox, command: [sleep, "1000"]}
YAML
}
waiting() { field "$1" '.status.containerStatuses[0].state.waiting | .reason + ": " + .message'; }
waits() { [[ $(waiting "$1") =~ $2 ]]; }
# As if somebody had emptied the library below the pods' feet.
lose() { rm -rf "$PAUSA_ROOT/layers" "$PAUSA_ROOT/images"; }
hide() { mv "$work/layout" "$work/hidden"; }
unhide() { mv "$work/hidden" "$work/layout"; }

# A container of a pod that runs: brought again.
expect_exit 0 pausa up -d --restart-backoff 300ms,2s "$(pod fetch IfNotPresent)"
trace fetch
lose
expect_exit 0 pausa restart fetch/a
expect_exit 0 pausa exec fetch -- cat /bin/busybox
match "it is told" "$(pausa events fetch)" "Pulling .*Successfully pulled image \"$image\""
# … or waited for, longer and longer; nothing else of the pod minds.
lose
hide
expect_exit 1 pausa restart fetch/a
match "the reason is told" "$errors" 'container a did not start again: ErrImagePull: image oci:'
eventually "it backs off" waits fetch "^ImagePullBackOff: Back-off pulling image \"$image\": ErrImagePull: "
match "in the list" "$(pausa ps)" 'fetch .*(ImagePullBackOff|ContainerCreating|ErrImagePull)'
expect_exit 0 pausa why fetch
match "why" "$output" 'Container fetch/a .*(ImagePullBackOff|is being started)'
expect_exit 0 pausa describe fetch
match "events in the kubelet's words" "$output" "Failed to pull image \"$image\": .*Error: ErrImagePull"
match "and its back-off" "$output" "Back-off pulling image \"$image\""
same "the other goes on" 0 "$(field fetch '.status.containerStatuses[1].restartCount')"
supervisor=$(field fetch .pausa.supervisor.pid)
kill -KILL "$supervisor"
eventually "the next supervisor takes over" eval "[[ \$(field fetch .pausa.supervisor.pid) != $supervisor ]]"
expect_exit 0 pausa exec fetch/b -- true
unhide
back() { [[ $(field fetch '.status.containerStatuses[0].state.running.startedAt') != null ]]; }
eventually "when it can be had, it starts" back
# … not by the supervisor, which answers while somebody prunes.
lose_layers() { rm -rf "$PAUSA_ROOT/layers"; }
lose_layers
python3 -c '
import fcntl, sys, time
lock = open(sys.argv[1], "w")
fcntl.lockf(lock, fcntl.LOCK_EX)
open(sys.argv[2], "w").close()
time.sleep(60)' "$PAUSA_ROOT/images/use.lock" "$work/pruning" &
pruner=$!
eventually "somebody prunes" test -e "$work/pruning"
"$PAUSA" restart fetch/a </dev/null >"$work/restart" 2>&1 &
restart=$!
eventually "it is waited for" pgrep -f "bring-image default fetch a"
expect_exit 0 timeout 10 "$PAUSA" restart fetch/b
kill $pruner
wait $restart || fail "then it is brought" "$(cat "$work/restart")"
# What its name means by now is taken where that which it was is gone.
echo new >"$work/tree/new"
tar -C "$work/tree" --owner 0 --group 0 -cf "$work/tree2.tar" .
rm -r "$work/layout"
"$make_image" "$work/layout" v1 '{"Env":["PATH=/bin"],"Cmd":["sleep","1000"]}' "$work/tree2.tar"
lose_layers
expect_exit 0 pausa restart fetch/a
expect_exit 0 pausa exec fetch/a -- cat /new
# One that is stopped does not wait any more.
lose
hide
expect_exit 1 pausa restart fetch/a
unhide
expect_exit 0 pausa stop fetch
match "stopped is stopped" "$(pausa ps -a)" 'fetch .*Stopped'

# The whole pod, by start: brought, or refused with the reason, and it stays.
lose
expect_exit 0 pausa start fetch
match "it is pulled" "$errors" "pausa: pulled $image"
expect_exit 0 pausa stop fetch
lose
hide
expect_exit 1 pausa start fetch
match "the reason" "$errors" 'pod fetch: container a: ErrImagePull: image oci:'
match "it stands in the status" "$(waiting fetch)" '^ErrImagePull: image oci:'
match "in the list" "$(pausa ps -a)" 'fetch .*ErrImagePull'
match "why" "$(pausa why fetch)" 'Container fetch/a waits \(ErrImagePull: '
unhide
expect_exit 0 pausa start fetch
same "then it runs" Running "$(field fetch .status.phase)"
expect_exit 0 pausa down fetch

# What a container mounts is brought like what it runs on.
expect_exit 0 pausa up -d --restart-backoff 300ms,2s "$(
  manifest mounts <<YAML
apiVersion: v1
kind: Pod
metadata: {name: mounts}
spec:
  terminationGracePeriodSeconds: 0
  volumes: [{name: data, image: {reference: "$image"}}]
  containers:
    - {name: a, image: busybox, command: [sleep, "1000"], volumeMounts: [{name: data, mountPath: /data}]}
    - {name: b, image: busybox, command: [sleep, "1000"]}
YAML
)"
trace mounts
lose
expect_exit 0 pausa restart mounts/a
expect_exit 0 pausa exec mounts/a -- test -s /data/bin/busybox
match "it is told of a volume's image, too" "$(pausa events mounts)" "Pulling .*Successfully pulled image \"$image\""
lose
hide
expect_exit 0 pausa restart mounts/b
expect_exit 1 pausa restart mounts/a
match "the reason is told of a volume's image" "$errors" 'container a did not start again: ErrImagePull: image oci:'
eventually "it backs off for a volume's image" waits mounts "^ImagePullBackOff: Back-off pulling image \"$image\": ErrImagePull: "
unhide
volume_back() { [[ $(field mounts '.status.containerStatuses[0].state.running.startedAt') != null ]]; }
eventually "when a volume's image can be had, it starts" volume_back
expect_exit 0 pausa stop mounts
lose
hide
expect_exit 1 pausa start mounts
match "start names the reason" "$errors" 'pod mounts: container a: ErrImagePull: image oci:'
unhide
expect_exit 0 pausa start mounts
match "it is pulled for the volume" "$errors" "pausa: pulled $image"
expect_exit 0 pausa exec mounts/a -- test -s /data/bin/busybox
expect_exit 0 pausa down mounts

# Never means never.
expect_exit 0 pausa image pull -q "$image"
expect_exit 0 pausa up -d "$(pod never Never)"
trace never
lose
expect_exit 1 pausa restart never/a
match "the reason" "$errors" 'did not start again: ErrImageNeverPull: Container image ".*" is not present with pull policy of Never'
match "it waits" "$(waiting never)" '^ErrImageNeverPull: Container image'
match "the event" "$(pausa events never)" 'ErrImageNeverPull .*not present with pull policy of Never'
expect_exit 0 pausa image pull -q "$image"
expect_exit 0 pausa restart never/a
expect_exit 0 pausa stop never
lose
expect_exit 1 pausa start never
match "start, too" "$errors" 'pod never: container a: ErrImageNeverPull: '
match "and the list" "$(pausa ps -a)" 'never .*ErrImageNeverPull'
expect_exit 0 pausa down never

# A stop ends a pull that is under way.
python3 -c '
import socket, sys
server = socket.create_server(("127.0.0.1", 0))
with open(sys.argv[1], "w") as port: port.write(str(server.getsockname()[1]))
held = []
while True: held.append(server.accept())' "$work/port" &
silent=$!
at_end "kill $silent 2>/dev/null"
eventually "somebody listens and says nothing" test -s "$work/port"
expect_exit 0 pausa image pull -q "$image"
name=127.0.0.1:$(<"$work/port")/silent:1
expect_exit 0 pausa image tag "$image" "$name"
image=$name
expect_exit 0 pausa up -d "$(pod silent IfNotPresent)"
trace silent
lose
"$PAUSA" restart silent/a </dev/null >"$work/restart" 2>&1 &
restart=$!
pulls() { pausa events silent | grep -q Pulling; }
eventually "the pull is under way" pulls
puller() { pgrep -f "bring-image default silent a root"; }
puller_runs() { [[ -n $(puller) ]]; }
eventually "by a program" puller_runs
same "the OOM killer may have it" 0 "$(cat "/proc/$(puller | head -n 1)/oom_score_adj")"
# The next supervisor goes on with it: nothing has failed.
supervisor=$(field silent .pausa.supervisor.pid)
before=$(puller | sort | xargs)
kill -KILL "$supervisor"
pulls_anew() { [[ -n $(puller) && $(puller | sort | xargs) != "$before" ]]; }
eventually "the next supervisor pulls" pulls_anew
same "it did not end" "" "$(pausa inspect silent | grep -o ContainerStatusUnknown || true)"
expect_exit 0 pausa down silent
wait $restart && fail "the restart has failed" "$(cat "$work/restart")"
same "no pull is left" "" "$(pgrep -af "bring-image default silent" || true)"
# A pod that goes while start pulls for it is gone.
image=oci:$work/layout:v1
expect_exit 0 pausa image pull -q "$image"
expect_exit 0 pausa image tag "$image" "$name"
expect_exit 0 pausa up -d "$work/silent.yaml"
expect_exit 0 pausa stop silent
lose
PAUSA_PULL_IDLE=8 "$PAUSA" start silent </dev/null >"$work/start" 2>&1 &
start=$!
eventually "the pull has begun" pgrep -P $start
expect_exit 0 pausa down silent
code=0
wait $start || code=$?
same "there is no such pod: $(cat "$work/start")" 4 $code
[[ ! -e $PAUSA_RUNROOT/pods/default_silent ]] || fail "nothing of it is left"

# A container for debugging is brought, too.
image=oci:$work/layout:v1
expect_exit 0 pausa up -d "$(manifest plain <<YAML
apiVersion: v1
kind: Pod
metadata: {name: plain}
spec: {terminationGracePeriodSeconds: 0, containers: [{name: a, image: busybox, command: [sleep, "1000"]}]}
YAML
)"
expect_exit 0 pausa debug --image "$image" -c look plain sleep 1000
match "pulled first" "$errors" "pausa: pulled $image"
expect_exit 1 pausa debug --image "oci:$work/none:v1" -c other plain sleep 1000
match "or refused" "$errors" 'pod plain: ErrImagePull: image oci:'
expect_exit 0 pausa down plain
