#!/usr/bin/env bash
# FILE.lock: what tags mean, written down and held to, whatever the registry says later.
source "$(dirname "${BASH_SOURCE[0]}")/../support/image-lib.sh"
for tool in skopeo docker-registry; do type -P $tool >/dev/null || skip "$tool is not installed"; done

two_versions '{"Env":["PATH=/bin"],"Cmd":["sleep","1000"]}' sh cat sleep
start_registry
trust_registry
name=127.0.0.1:$port/team/app
# Docker's kind of document becomes another one in our layout: its digest is the registry's alone.
push() { skopeo copy -q --format "$2" --dest-tls-verify=false "oci:$work/$1:v1" "docker://$name:$2"; }
push one oci
push one v2s2

file=$(manifest web <<YAML
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - {name: a, image: "$name:oci"}
    - {name: b, image: busybox, command: [sleep, "1000"], volumeMounts: [{name: v, mountPath: /v}]}
  volumes: [{name: v, image: {reference: "$name:v2s2"}}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: later}
spec:
  schedule: "0 0 1 1 *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: "$name:oci"}]}}}}
YAML
)
expect_exit 1 pausa image lock --check "$file"
match "there is none yet" "$output" 'web.yaml.lock: missing'
expect_exit 0 pausa image lock "$file"
same "it tells what it wrote" "$file.lock" "$output"
same "a line for each image, sorted" "$name:oci $name:v2s2" "$(grep -v '^#' "$file.lock" | cut -d' ' -f1 | xargs)"
cp "$file.lock" "$work/first"
expect_exit 0 pausa image lock "$file"
check "the same again" cmp "$file.lock" "$work/first"
expect_exit 0 pausa image lock --check "$file"
same "nothing to tell" "" "$output"

# The tags go on; who has the lock stays.
push two oci
push two v2s2
expect_exit 1 pausa image lock --check "$file"
match "each that is stale" "$output" "web.yaml.lock: $name:oci: now sha256:.*$name:v2s2: now sha256:"
versions() { pausa exec web/"$1" -- cat "$2"; }
expect_exit 0 pausa up -d "$file"
trace web
match "it is told" "$errors" 'web.yaml.lock: 2 images as locked'
match "pulled by digest" "$errors" "pulled $name:oci@sha256:"
same "as it was locked" one "$(versions a /version)"
expect_exit 0 pausa exec web/b -- cat /v/version
same "the volume, too" one "$output"
expect_exit 0 pausa up -d "$file"
same "nothing is pulled or changed again" "pausa: web.yaml.lock: 2 images as locked" "$(grep '^pausa' <<<"$errors")"
expect_exit 0 pausa diff "$file"
match "the CronJob, too" "$(find "$PAUSA_ROOT/objects" -path '*cronjob*' -name '*.json' -exec cat {} +)" "$name:oci@sha256:"
expect_exit 0 pausa image save --all -o "$work/all.tar" "$file"
match "what is locked is saved" "$errors" "saved $name:oci@sha256:.*saved $name:v2s2@sha256:"
expect_exit 0 env PAUSA_ROOT="$work/elsewhere" "$PAUSA" image load -q "$work/all.tar"
same "a name claims no digest" "" "$(grep -v "^$name:[a-z0-9]*@sha256:[0-9a-f]*\$" <<<"$output")"
same "and is known without one" "$name:oci $name:v2s2" \
  "$(PAUSA_ROOT="$work/elsewhere" pausa image ls -o name | sort | xargs)"
expect_exit 0 pausa image lock "$file"
expect_exit 0 pausa up -d "$file"
same "locked anew" two "$(versions a /version)"
expect_exit 0 pausa down "$file"

# By hand, with a tag beside the digest.
digest=$(sed -n "s,^$name:v2s2 ,,p" "$work/first")
expect_exit 0 pausa image pull -q "$name:v2s2@$digest"
expect_exit 0 pausa up -d --pull never "$(manifest hand <<YAML
apiVersion: v1
kind: Pod
metadata: {name: hand}
spec: {terminationGracePeriodSeconds: 0, containers: [{name: a, image: "$name:v2s2@$digest"}]}
YAML
)"
expect_exit 0 pausa down hand

# Locks that say nonsense, and manifests that have gone on.
wrong() { # wrong TEXT REGEX
  printf '%b' "$1" >"$file.lock"
  expect_exit 1 pausa up -d "$file"
  match "$1" "$errors" "web.yaml.lock: line [0-9]+: $2; pausa image lock writes it anew"
}
wrong "# words\n$name:oci\n" 'it is not of the form NAME DIGEST'
wrong "$name:oci sha256:12\n" '"sha256:12" is no digest'
wrong "dir:/x $digest\n" '"dir:/x" is no image that can be locked'
wrong "$name:oci $digest\n$name:oci $digest\n" '".*" stands there twice'
printf '%s %s\nother/image:1 %s\n' "$name:oci" "$digest" "$digest" >"$file.lock"
expect_exit 1 pausa image lock --check "$file"
match "too few" "$output" "$name:v2s2: not there"
match "too many" "$output" 'other/image:1: not in the manifest'
printf '%s sha256:%064d\n' "$name:oci" 7 >"$file.lock"
expect_exit 1 pausa up -d "$file"
match "what it does not know" "$errors" "web.yaml.lock does not know $name:v2s2"
match "what nobody has" "$errors" 'ErrImagePull: .*(manifest unknown|not found)'
expect_exit 2 bash -c '"$0" image lock - <"$1"' "$PAUSA" "$file"
match "a pipe has no place beside it" "$errors" 'no place for a lock'
kill $registry
expect_exit 1 pausa image lock "$file"
match "no registry, no lock" "$errors" "image $name:oci: .*connection refused"
expect_exit 0 pausa up -d "$(sed "s,$name:oci,busybox,; s,$name:v2s2,localhost/mine:1," "$file" | sed '/^---/,$d' >"$work/local.yaml"
  pausa image tag "$name:v2s2@$digest" mine:1 >/dev/null; pausa image lock "$work/local.yaml" >/dev/null; echo "$work/local.yaml")"
same "what was made here, without one" "localhost/mine:1" "$(grep -v '^#' "$work/local.yaml.lock" | cut -d' ' -f1)"
expect_exit 0 pausa down web
