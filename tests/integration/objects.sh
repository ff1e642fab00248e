#!/usr/bin/env bash
# Objects beside the pods: up stores them, later manifests find them, down removes them.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

config=$(manifest config <<'EOF'
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {colour: blue, text: "a\nb\n"}
---
apiVersion: v1
kind: Secret
metadata: {name: login, namespace: shop}
data: {user: YWRtaW4=}
stringData: {password: "4711-geheim"}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: db}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
EOF
)

expect_exit 0 pausa up "$config"
same "what was stored is told" \
  $'configmap/settings\nsecret/login\npersistentvolumeclaim/db' "$output"
stored=$PAUSA_ROOT/objects
same "a ConfigMap is stored by its name" "blue" "$(jq -r .data.colour "$stored/default/configmap/settings.json")"
same "a Secret belongs to its owner" "600" "$(stat -c %a "$stored/shop/secret/login.json")"
same "stringData is stored as data" "4711-geheim" \
  "$(jq -r .data.password "$stored/shop/secret/login.json" | base64 -d)"
[[ $output$errors != *4711* ]] || fail "a secret is never printed"
expect_exit 0 pausa up "$config" # twice changes nothing

mkdir "$work/folder"
printf 'x=1\n' >"$work/folder/app.conf"
printf '\xff\x00' >"$work/folder/raw"
expect_exit 0 pausa up -d --configmap-from "files=$work/folder" --secret-from "one=$work/folder/app.conf" \
  "$(three files)"
match "objects of files are told, too" "$output" "configmap/files"
same "a file is a key" "x=1" "$(jq -r '.data["app.conf"]' "$stored/default/configmap/files.json")"
same "bytes are binaryData" "/wA=" "$(jq -r .binaryData.raw "$stored/default/configmap/files.json")"
same "a single file is a key of its name" "x=1" \
  "$(jq -r '.data["app.conf"]' "$stored/default/secret/one.json" | base64 -d)"
trace files
expect_exit 0 pausa down files
expect_exit 2 pausa up -d --configmap-from "x" "$(three files)"
expect_exit 1 pausa up -d --configmap-from "x=$work/none" "$(three files)"
[[ ! -e $PAUSA_ROOT/pods/default_files ]] || fail "nothing is made when a file is missing"

immutable=$(manifest immutable <<'EOF'
apiVersion: v1
kind: ConfigMap
metadata: {name: fixed}
immutable: true
data: {a: "1"}
EOF
)
expect_exit 0 pausa up "$immutable"
sed -i 's/"1"/"2"/' "$immutable"
expect_exit 1 pausa up "$immutable"
match "what is immutable is not changed" "$errors" "configmap/fixed: it is immutable"

# A secret that is wrong is not shown when it is complained about.
bad=$(manifest bad <<'EOF'
apiVersion: v1
kind: Secret
metadata: {name: bad}
data: {key: "hidden?"}
EOF
)
expect_exit 3 pausa up "$bad"
match "the place is told" "$errors" "bad.yaml:4:13: error: data\[key\]: Invalid value: must be base64"
[[ $errors != *hidden* ]] || fail "the line of a secret is not shown" "$errors"

# Claims by name.
user=$(three user 'volumes: [{name: d, persistentVolumeClaim: {claimName: db}}]')
up "$user"
expect_exit 0 pausa volume ls
match "claims are listed" "$output" "db +default +1Gi +4Ki +1 +$PAUSA_ROOT/volumes/default_db"
same "a claim is told as kubectl would, and where it lies" "1073741824 $PAUSA_ROOT/volumes/default_db user" \
  "$(pausa volume inspect db | jq -r '"\(.spec.resources.requests.storage) \(.pausa.path) \(.pausa.pods[0])"')"
expect_exit 1 pausa volume rm db
match "what a pod uses is not removed" "$errors" "claim db is used by pod user"
expect_exit 0 pausa down user
expect_exit 0 pausa volume rm db
same "what was removed is told" "persistentvolumeclaim/db" "$output"
[[ ! -e $PAUSA_ROOT/volumes/default_db ]] || fail "the data goes with the claim"
expect_exit 4 pausa volume rm db
expect_exit 2 pausa volume
expect_exit 0 pausa up "$config"

expect_exit 0 pausa down "$config"
same "down removes what the manifest names, but no data" $'configmap/settings\nsecret/login' "$output"
[[ -e $stored/default/persistentvolumeclaim/db.json ]] || fail "a claim stays"
expect_exit 0 pausa down -v "$config"
same "with --volumes claims go, too" "persistentvolumeclaim/db" "$output"
expect_exit 0 pausa down "$config"
same "down of what is gone is quiet" "" "$output"
