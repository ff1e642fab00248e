#!/usr/bin/env bash
# Registries with logins: imagePullSecrets, their order and kinds; --pull; several pulls at once.
# Fields: PodSpec.imagePullSecrets LocalObjectReference.name Container.imagePullPolicy
source "$(dirname "${BASH_SOURCE[0]}")/../support/image-lib.sh"
type -P skopeo >/dev/null || skip "skopeo is not installed, which brings images in"
type -P docker-registry >/dev/null || skip "docker-registry is not installed"

busybox_tree "$work/base" sleep
layer_of "$work/base"
"$make_image" "$work/one" v1 '{"Cmd":["/bin/sleep","1000"]}' "$work/base.tar"
"$make_image" "$work/two" v1 '{"Cmd":["/bin/sleep","1001"]}' "$work/base.tar"

# "user" with the password "secret" (bcrypt).
echo 'user:$2y$05$OwVm1Qijt5lT8/kD0tEC2.xbcSTAcIyQLtQXik6zjc5Eexjuqbk7u' >"$work/htpasswd"
start_registry '' "auth: {htpasswd: {realm: test, path: $work/htpasswd}}"
trust_registry
for image in one two; do
  skopeo copy -q --dest-tls-verify=false --dest-creds user:secret "oci:$work/$image:v1" "docker://127.0.0.1:$port/team/$image:1"
done

auth=$(printf user:secret | base64)
wrong=$(printf user:guess | base64)
secrets() {
  cat <<EOF
apiVersion: v1
kind: Secret
metadata: {name: wrong}
type: kubernetes.io/dockerconfigjson
stringData: {.dockerconfigjson: '{"auths":{"127.0.0.1:$port":{"auth":"$wrong"}}}'}
---
apiVersion: v1
kind: Secret
metadata: {name: right}
type: kubernetes.io/dockerconfigjson
stringData: {.dockerconfigjson: '{"auths":{"http://127.0.0.1:$port/team":{"username":"user","password":"secret"}}}'}
---
apiVersion: v1
kind: Secret
metadata: {name: old}
type: kubernetes.io/dockercfg
stringData: {.dockercfg: '{"127.0.0.1:$port":{"auth":"$auth"}}'}
---
EOF
}
pod() { # pod SECRETS [POLICY]: with both images
  cat <<EOF
apiVersion: v1
kind: Pod
metadata: {name: private}
spec:
  terminationGracePeriodSeconds: 0
  imagePullSecrets: [$1]
  containers:
    - {name: a, image: "127.0.0.1:$port/team/one:1", imagePullPolicy: ${2:-IfNotPresent}}
    - {name: b, image: "127.0.0.1:$port/team/two:1", imagePullPolicy: ${2:-IfNotPresent}}
EOF
}

# Without a login, and with a wrong one.
expect_exit 1 pausa up -d "$(pod "" | manifest none)"
match "the reason" "$errors" 'pod private: container a: ErrImagePull: image 127.0.0.1:[0-9]*/team/one:1: .*(unauthorized|authentication required)'
expect_exit 1 pausa up -d "$({ secrets; pod '{name: wrong}'; } | manifest wrong)"
match "a wrong one" "$errors" 'ErrImagePull: .*(unauthorized|authentication required)'
expect_exit 4 pausa inspect private

# Tried one after another; a secret that is not there is told and keeps nobody.
expect_exit 0 pausa up -d "$({ secrets; pod '{name: gone}, {name: wrong}, {name: right}'; } | manifest right)"
match "it is told" "$errors" 'FailedToRetrieveImagePullSecret: there is no secret gone'
match "both are pulled" "$errors" 'pulled 127.0.0.1:[0-9]*/team/one:1'
match "both are pulled" "$errors" 'pulled 127.0.0.1:[0-9]*/team/two:1'
same "no word of a login is left" "" \
  "$(grep -rlE "$auth|$wrong|user:secret" "$PAUSA_ROOT/images" "$PAUSA_RUNROOT" 2>/dev/null)"
expect_exit 0 pausa down private

# From the project's stored Secrets, of the older kind.
expect_exit 0 pausa image rm "127.0.0.1:$port/team/one:1" "127.0.0.1:$port/team/two:1"
expect_exit 0 pausa up -d "$(secrets | sed '$d' | manifest secrets)"
expect_exit 0 pausa up -d "$(pod '{name: old}' | manifest stored)"
expect_exit 0 pausa down private

# Locks are written with the same logins, and with the values that up takes.
file=$({ secrets; pod '{name: wrong}, {name: right}' | sed 's,team/one:1,team/one:${TAG},'; } | manifest locked)
expect_exit 0 pausa image lock --set TAG=1 "$file"
same "both" 2 "$(grep -c "^127.0.0.1:$port/team/[a-z]*:1 sha256:" "$file.lock")"
expect_exit 0 pausa image lock --check --set TAG=1 "$file"
expect_exit 3 pausa image lock --check --set OTHER=1 "$file"
expect_exit 1 pausa image lock "$(pod '{name: wrong}' | sed "s/wrong/none/" | manifest nobody)"
match "without one" "$errors" 'unauthorized|authentication required'

# --pull: newer takes what can be had, and what is here when nothing can.
expect_exit 0 pausa up -d --pull newer "$(pod '{name: old}' | manifest stored)"
match "it asks the registry" "$errors" 'pulled 127.0.0.1'
expect_exit 0 pausa down private
kill $registry
expect_exit 0 pausa up -d --pull newer "$(pod '{name: old}' | manifest stored)"
match "what is here" "$errors" 'team/one:1: .*; what is on this machine is used instead'
expect_exit 0 pausa down private
expect_exit 1 pausa up -d --pull always "$(pod '{name: old}' | manifest stored)"
match "always means always" "$errors" 'container a: ErrImagePull: .*connection refused'
expect_exit 2 pausa up -d --pull sometimes "$(pod '{name: old}' | manifest stored)"
expect_exit 0 pausa up -d "$(pod '{name: old}' Never | manifest stored)"
expect_exit 0 pausa down private

# The tag latest without a policy: local, and it is said what a cluster does.
expect_exit 0 pausa image tag "127.0.0.1:$port/team/one:1" localhost/app
expect_exit 0 pausa up -d "$(manifest latest <<EOF
apiVersion: v1
kind: Pod
metadata: {name: latest}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: a, image: localhost/app}]
EOF
)"
match "a cluster would pull" "$errors" 'note: image localhost/app is taken from this machine; a cluster would pull it'
expect_exit 0 pausa down latest
