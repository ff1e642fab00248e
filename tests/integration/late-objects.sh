#!/usr/bin/env bash
# What a container refers to is gone when it is to start again: it waits, as the kubelet lets it, and
# runs at once when an up brings the object back.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

settings=$(manifest settings <<'YAML'
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {colour: blue}
YAML
)
reader=$(manifest reader <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: reader
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  containers:
    - name: a
      image: busybox
      restartPolicy: Always
      command: ["sh", "-c", "echo $COLOUR; exec sleep 1000"]
      env: [{name: COLOUR, valueFrom: {configMapKeyRef: {name: settings, key: colour}}}]
    - {name: b, image: busybox, command: ["sleep", "1000"]}
YAML
)
expect_exit 3 pausa up -d "$reader"
match "up itself refuses what refers to nothing" "$errors" 'there is no configmap "settings"'
expect_exit 0 pausa up -d "$settings"
up "$reader"
neighbour=$(member_pid reader b)
expect_exit 0 pausa down "$settings"
kill -KILL "$(member_pid reader a)"
reason() { status_is reader a .state.waiting.reason CreateContainerConfigError; }
eventually "it waits" reason
match "and says for what" "$(status_of reader a .state.waiting.message)" 'configmap "settings" not found'
same "this is no restart" 0 "$(status_of reader a .restartCount)"
same "its neighbour runs" "$neighbour" "$(member_pid reader b)"
expect_exit 0 pausa ps
match "ps tells" "$output" CreateContainerConfigError
expect_exit 0 pausa why reader
match "why tells" "$output" 'settings.*not found'

# The next supervisor goes on waiting.
kill -KILL "$(field reader .pausa.supervisor.pid)"
eventually "still" reason
expect_exit 1 pausa restart reader/a
match "a restart says why it cannot be" "$errors" 'did not start again: .*settings'

sed -i s/blue/red/ "$settings"
begin=$(now_ms)
expect_exit 0 pausa up -d "$settings"
eventually "it runs" status_is reader a '.state | has("running")' true
between "at once" 0 $(($(now_ms) - begin)) 5000
says_red() { "$PAUSA" logs reader/a | grep -q red; }
eventually "with the new value" says_red
same "that was one restart" 1 "$(status_of reader a .restartCount)"
trace reader
expect_exit 0 pausa events reader
between "told once by each supervisor" 1 "$(grep -c 'Failed.*settings' <<<"$output")" 3
expect_exit 0 pausa down reader "$settings"
eventually "nothing is left" nothing_remains
