#!/usr/bin/env bash
# Services that select a pod without a bridge: by its own loopback, also where their ports are others.
source "$(dirname "${BASH_SOURCE[0]}")/../support/user-net.sh"

cat >"$work/pod.yaml" <<'YAML'
apiVersion: v1
kind: Service
metadata: {name: same}
spec:
  selector: {app: web}
  ports: [{port: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: other}
spec:
  selector: {app: web}
  ports: [{name: a, port: 80, targetPort: http}, {name: b, port: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: third}
spec:
  selector: {app: web}
  ports: [{port: 81, targetPort: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: none}
spec:
  selector: {app: else}
  ports: [{port: 82, targetPort: 8080}]
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: a
    image: busybox
    command: [sh, -c, "echo served >/tmp/index.html; exec httpd -f -h /tmp -p 127.0.0.1:8080"]
    ports: [{name: http, containerPort: 8080}]
YAML
chmod 644 "$work/pod.yaml"
says_by_variables() { # PREFIX
  local address
  address=$(pausa exec web -- sh -c "echo \$$1_SERVICE_HOST \$$1_SERVICE_PORT")
  # shellcheck disable=SC2086 # two words
  says $address
}
says() { # NAME PORT
  local text
  text=$(printf 'GET / HTTP/1.0\r\n\r\n' | pausa exec -i web -- nc -w 6 "$1" "$2" 2>&1 | tail -n 1)
  echo "$text"
  [[ $text == served ]]
}
refused() { ! says "$@"; }
rules() { nsenter -t "$(infra_pid web)" -n nft list ruleset; }

look() {
  expect_exit 0 pausa up -d --network none "$work/pod.yaml"
  eventually "where the ports are the same" says same 8080
  check "at a port of the Service's own" says other 80
  check "by its variables" says_by_variables OTHER
  check "also where the ports are the same" says_by_variables SAME
  check "by its full name, too" says other.default.svc.cluster.local 80
  check "and at one that is the same" says other 8080
  check "each has its own ports" says third 81
  check "and not another's" refused third 80
  check "nor has the pod itself" refused 127.0.0.1 80
  same "one that does not select the pod is not known" "" "$(pausa exec web -- grep -w none /etc/hosts || true)"
  match "the rules are in the pod's network" "$(rules)" '127.96.0.1 tcp dport 80 dnat ip to 127.0.0.1:8080'
  kill -9 "$(infra_pid web)"
  eventually "a new sandbox has them again" says other 80
  expect_exit 0 pausa down web
}
look
for name in same other third none; do
  sed "/name: $name}/,/^---/!d" "$work/pod.yaml" | sed '1i apiVersion: v1\nkind: Service' | sed '/^---/d' >"$work/one.yaml"
  expect_exit 0 pausa down -f "$work/one.yaml"
done
as_that_user
look
