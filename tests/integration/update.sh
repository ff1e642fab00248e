#!/usr/bin/env bash
# A second up: it does only what the manifest's changes ask for; diff and --dry-run tell it before.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

# shop [WORD [HOSTNAME [LABEL]]]: api says WORD.
shop() {
  manifest shop <<YAML
apiVersion: v1
kind: Pod
metadata:
  name: shop
  labels: {release: "${3:-one}"}
spec:
  hostname: ${2:-front}
  terminationGracePeriodSeconds: 1
  volumes: [{name: data, emptyDir: {}}]
  containers:
    - name: api
      image: busybox
      command: ["sh", "-c", "echo ${1:-first} >> /data/said; exec sleep 1000"]
      volumeMounts: [{name: data, mountPath: /data}]
    - {name: web, image: busybox, command: ["sleep", "1000"]}
YAML
}

expect_exit 1 pausa diff "$(shop)"
same "diff: there is none" "shop: create" "$output"
expect_exit 0 pausa up --dry-run "$(shop)"
same "a dry run tells the same" "shop: create" "$output"
expect_exit 4 pausa inspect shop
up "$(shop)"
said() { [[ $("$PAUSA" exec shop/api cat /data/said) == "$1" ]]; }
eventually "it runs" said first
infra=$(infra_pid shop) api=$(member_pid shop api) web=$(member_pid shop web)

expect_exit 0 pausa diff "$(shop)"
same "diff: nothing" "shop: keep" "$output"
expect_exit 0 pausa up -d "$(shop)"
same "nothing was started again" "$infra $api $web" \
  "$(infra_pid shop) $(member_pid shop api) $(member_pid shop web)"

# One container: its neighbour, the namespaces and the volumes stay.
expect_exit 1 pausa diff "$(shop second)"
same "diff: one container" "shop: restart api" "$output"
expect_exit 0 pausa up -d "$(shop second)"
match "the plan is told" "$errors" 'shop: restart api'
differs "it was started again" "$api" "$(member_pid shop api)"
same "nothing else was" "$infra $web" "$(infra_pid shop) $(member_pid shop web)"
trace shop
eventually "with its new command and the old volume" said $'first\nsecond'
expect_exit 0 pausa diff "$(shop second)"
api=$(member_pid shop api)

# Both at once.
both=$(shop third)
sed -i 's/"sleep", "1000"\]/"sleep", "2000"]/' "$both"
web=$(member_pid shop web)
expect_exit 0 pausa up -d "$both"
differs "the one" "$api" "$(member_pid shop api)"
differs "and the other" "$web" "$(member_pid shop web)"
eventually "with the third command" said $'first\nsecond\nthird'
expect_exit 0 pausa up -d "$(shop second)"
eventually "and back" said $'first\nsecond\nthird\nsecond'

# It is what the next supervisor knows, too.
kill -9 "$(field shop .pausa.supervisor.pid)"
expect_exit 0 pausa restart -t 0 shop/api
eventually "the new command runs" said $'first\nsecond\nthird\nsecond\nsecond'

# Labels change in place.
api=$(member_pid shop api)
expect_exit 0 pausa up -d "$(shop second front two)"
same "the label" two "$(field shop .metadata.labels.release)"
same "nothing was started again" "$infra $api" "$(infra_pid shop) $(member_pid shop api)"

# What belongs to the whole pod makes it anew.
expect_exit 0 pausa up -d "$(shop second back two)"
match "the plan is told" "$errors" 'shop: recreate \(spec.hostname changed\)'
trace shop
differs "another infra" "$infra" "$(infra_pid shop)"
expect_exit 0 pausa exec shop/web hostname
same "with its new name" back "$output"

# A manifest that is wrong changes nothing.
infra=$(infra_pid shop)
expect_exit 3 pausa up -d "$(shop second 'not a name' two)"
same "the pod runs on" "$infra" "$(infra_pid shop)"
expect_exit 0 pausa down shop
eventually "nothing is left" nothing_remains
