#!/usr/bin/env bash
# Probes and hooks by HTTPS: any certificate will do, failures are told in the kubelet's words, and
# the process that speaks TLS can do nothing else.
# Fields: HTTPGetAction.scheme
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"
command -v openssl >/dev/null || skip "openssl is not installed"

serve='cd /tmp; openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=elsewhere -days 1 -keyout key -out cert 2>/dev/null;'
manifest tls >/dev/null <<YAML
apiVersion: v1
kind: Pod
metadata:
  name: tls
spec:
  containers:
    - name: server
      image: "host:"
      command: ["sh", "-c", "$serve exec openssl s_server -accept 8443 -www -cert cert -key key -tlsextdebug"]
      readinessProbe: {httpGet: {port: 8443, scheme: HTTPS}, periodSeconds: 1, failureThreshold: 1}
      startupProbe: {httpGet: {port: 8443, scheme: HTTPS, host: localhost}, periodSeconds: 1, failureThreshold: 30}
    - name: redirects
      image: busybox
      command:
        - sh
        - -c
        - |
          mkdir -p /www/cgi-bin
          printf '#!/bin/sh\\necho "Location: https://127.0.0.1:8443/there"; echo\\n' >/www/cgi-bin/away
          chmod +x /www/cgi-bin/away
          exec httpd -f -p 8080 -h /www
      readinessProbe: {httpGet: {port: 8080, path: /cgi-bin/away}, periodSeconds: 1}
      lifecycle:
        preStop: {httpGet: {port: 8443, scheme: HTTPS, path: /bye}}
YAML
up "$work/tls.yaml"
check "ready through TLS" pausa wait --for=ready --timeout 30 tls
told() { pausa logs tls/server | grep -q 'server name'; }
eventually "a name is told in the handshake" told
same "nothing was wrong on the way to it" 0 \
  "$(pausa events -o json tls | jq -r 'select(.reason == "FailedPostStartHook") | .message' | wc -l)"

manifest bad-tls >/dev/null <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: bad-tls
spec:
  containers:
    - name: plain
      image: busybox
      command: ["sh", "-c", "mkdir /www; exec httpd -f -p 8080 -h /www"]
      readinessProbe: {httpGet: {port: 8080, scheme: HTTPS}, periodSeconds: 1}
    - name: silent
      image: busybox
      command: ["nc", "-ll", "-p", "8081", "-e", "sleep", "3600"]
      readinessProbe: {httpGet: {port: 8081, scheme: HTTPS}, periodSeconds: 10, timeoutSeconds: 5}
    - name: closes
      image: busybox
      command: ["nc", "-ll", "-p", "8082", "-e", "true"]
      readinessProbe: {httpGet: {port: 8082, scheme: HTTPS}, periodSeconds: 1}
    - name: nobody
      image: busybox
      command: ["sleep", "3600"]
      readinessProbe: {httpGet: {port: 8083, scheme: HTTPS}, periodSeconds: 1}
YAML
up "$work/bad-tls.yaml"
unhealthy() { # CONTAINER REGEX
  pausa events -o json bad-tls |
    jq -r "select(.reason == \"Unhealthy\" and .container == \"$1\").message" | grep -qE -- "$2"
}

# ---- the relay of a probe that waits: no root, no capability, no file, its few calls

supervisor=$(field bad-tls .pausa.supervisor.pid)
relay() { pgrep -P "$supervisor" -x pausa-tls | head -1; }
confined() {
  local pid
  pid=$(relay) && [[ -n $pid ]] && grep -q '^Seccomp:.*2' "/proc/$pid/status" || return 1
  grep -E '^(Uid|CapEff|CapPrm|NoNewPrivs|Seccomp):' "/proc/$pid/status" | tr -s '\t\n' '  '
  echo
  ls -l "/proc/$pid/fd" | wc -l
}
seen() { confined >"$work/seen"; }
eventually "a relay is under way" seen
seen=$(<"$work/seen")
match "nobody" "$seen" 'Uid: 65534 65534 65534 65534'
match "no capabilities" "$seen" 'CapPrm: 0+ CapEff: 0+'
match "no new ones" "$seen" 'NoNewPrivs: 1 Seccomp: 2'

eventually "a server without TLS" unhealthy plain \
  'Get "https://127.0.0.1:8080/": http: server gave HTTP response to HTTPS client'
eventually "a server that closes" unhealthy closes 'Get "https://127.0.0.1:8082/": (EOF|read tcp: Connection reset by peer)'
eventually "no server" unhealthy nobody 'dial tcp 127.0.0.1:8083: connect: Connection refused'
eventually "a server that says nothing" unhealthy silent \
  'Get "https://127.0.0.1:8081/": context deadline exceeded'

# ---- hooks, and nothing left

manifest hooked >/dev/null <<YAML
apiVersion: v1
kind: Pod
metadata:
  name: hooked
spec:
  restartPolicy: Never
  initContainers:
    - name: server
      image: "host:"
      restartPolicy: Always
      command: ["sh", "-c", "$serve exec openssl s_server -accept 8443 -WWW -cert cert -key key"]
      startupProbe: {tcpSocket: {port: 8443}, periodSeconds: 1, failureThreshold: 30}
  containers:
    - name: main
      image: busybox
      command: ["sleep", "3600"]
      lifecycle:
        postStart: {httpGet: {port: 8443, scheme: HTTPS, path: /absent}}
        preStop: {httpGet: {port: 8443, scheme: HTTPS, path: /absent}}
YAML
up "$work/hooked.yaml"
expect_exit 0 pausa stop -t 5 hooked
same "both hooks were answered" "" \
  "$(pausa events -o json hooked | jq -r 'select(.reason | test("Hook")) | .message')"
expect_exit 0 pausa down --all
same "no relay is left" "" "$(pgrep -P "$supervisor" -x pausa-tls || true)"
